import { z } from "zod";

import { encodeProve, leafWordsOf, linkedAgentOf, paidCallOf } from "../../../chain/agents/proofOfService.ts";
import { decodeLeaf } from "../../../core/codec/leaf.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { KIND } from "../../../core/generated/protocol.ts";
import type { ProvenLeaf } from "../../../derivation/Replica.ts";
import type { ApiContext } from "../ApiContext.ts";
import type { LastState } from "../exits/ExitBook.ts";
import { address, amount, count, hash, hexData, proof } from "../schemas.ts";
import { bytes } from "./names.ts";
import { proofView } from "./proofView.ts";

export const serviceProofSchema = z
  .object({
    receipt: count.describe("Number of the receipt"),
    agentId: z.string().nullable().describe("ERC-8004 id that the provider's account is linked to in that state; null: it is not linked, and `prove` refuses"),
    client: address.describe("Owner of the account that paid"),
    server: address.describe("Owner of the account that was paid; it has to be allowed to act for the agent"),
    amount,
    capability: count,
    claimId: hash.describe("The last confirmed claim"),
    proofs: z.object({ receipt: proof, requester: proof, provider: proof }),
    transaction: z.object({ to: address.nullable().describe("Null when the deployment has no ProofOfService"), data: hexData }).describe("The call of ProofOfService.prove; anyone may send it, once, with `proofFeeWei`"),
  })
  .describe("All that ProofOfService needs to count a call");

/** Owner of an AGENT leaf. */
const ownerOf = (leaf: Uint8Array): string => bytes(decodeLeaf("AGENT", leaf), "owner");

/** Undefined when the receipt does not say that a call was paid, or is not in that state. */
export function serviceProofView({ replica, amounts, deployment }: ApiContext, last: LastState, number: number, claimId: string): z.output<typeof serviceProofSchema> | undefined {
  const { state, batchCount } = last;
  const receipt = replica.proveAppended(KIND.RECEIPT, number, batchCount);
  const call = receipt === undefined ? undefined : paidCallOf(receipt.leaf);
  if (receipt === undefined || call === undefined) return undefined;
  const account = (index: number): ProvenLeaf => {
    const { words, siblings } = state.open({ kind: KIND.AGENT, index });
    const [leaf, proof] = [words, siblings].map((each) => fromHex(`0x${each.map((word) => word.slice(2)).join("")}`)) as [Uint8Array, Uint8Array];
    return { kind: KIND.AGENT, index, leaf, proof, stateRoot: receipt.stateRoot, batchCount };
  };
  const [requester, provider] = [account(call.requester), account(call.provider)];
  const data = encodeProve({ claimId, receipt: leafWordsOf(receipt), requester: leafWordsOf(requester), provider: leafWordsOf(provider) });
  return {
    receipt: number,
    agentId: linkedAgentOf(provider.leaf)?.toString() ?? null,
    client: ownerOf(requester.leaf),
    server: ownerOf(provider.leaf),
    amount: amounts.ofUnits(call.amount),
    capability: call.capability,
    claimId,
    proofs: { receipt: proofView(receipt), requester: proofView(requester), provider: proofView(provider) },
    transaction: { to: deployment.contracts["proofOfService"] ?? null, data },
  };
}

/** The claim that the last confirmed state is that of; undefined at genesis, and when what was confirmed is not what we derive. */
export function confirmedClaimOf({ replica }: ApiContext, last: LastState): string | undefined {
  const claim = replica.view.latestConfirmed;
  return claim !== undefined && claim.stateRoot === toHex(replica.rootAt(last.batchCount) ?? new Uint8Array()) ? claim.claimId : undefined;
}
