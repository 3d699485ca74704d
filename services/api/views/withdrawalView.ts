import { Interface } from "ethers";
import { z } from "zod";

import { bridgeAbi } from "../../../chain/generated/abi/Bridge.ts";
import { decodeLeaf, toHex } from "../../../core/codec/index.ts";
import { KIND } from "../../../core/generated/protocol.ts";
import type { KnownClaim } from "../../../derivation/ChainView.ts";
import type { ApiContext } from "../ApiContext.ts";
import { address, amount, count, hash, hexData, position, proof, seconds } from "../schemas.ts";
import { bytes, integer, nameOf } from "./names.ts";
import { proofView } from "./proofView.ts";

export const withdrawalSchema = z
  .object({
    index: count,
    recipient: address,
    amount,
    agent: count.describe("Account index; 0 for fees and bounced deposits"),
    cause: z.enum(["WITHDRAW", "FEES", "BOUNCED_DEPOSIT", "EXPORT"]),
    l2Time: seconds,
    batchIndex: count,
    status: z
      .enum(["made", "claimed", "confirmed", "ready", "paid", "claimable"])
      .describe("made on L2; in a claim on L1; that claim is confirmed; payable now; paid; the recipient refused it and may fetch it with withdrawClaimable"),
    payableAt: seconds.nullable().describe("From when the Bridge pays, once confirmed"),
    payout: position.nullable(),
  })
  .describe("A withdrawal to L1");

export type WithdrawalView = z.output<typeof withdrawalSchema>;

/** The first epoch whose state holds the withdrawal, undefined while none does. Withdrawals only grow, so it is searched by halves. */
function firstEpochWith({ replica }: ApiContext, index: number): number | undefined {
  const { epochs } = replica.view;
  let low = 0;
  let high = epochs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const batchEnd = epochs[middle]?.batchEnd ?? 0;
    const isKnown = batchEnd > 0 && batchEnd <= replica.batchCount;
    if (batchEnd > replica.batchCount || (isKnown && replica.resultAt(batchEnd).withdrawalCount > index)) high = middle;
    else low = middle + 1;
  }
  const batchEnd = epochs[low]?.batchEnd;
  return batchEnd === undefined || batchEnd > replica.batchCount ? undefined : low;
}

/** The first claim of a state that holds the withdrawal and is the one that we derive. */
function coveringClaim(context: ApiContext, index: number, isConfirmed: boolean): KnownClaim | undefined {
  const { replica } = context;
  const epoch = firstEpochWith(context, index);
  if (epoch === undefined) return undefined;
  for (const claim of replica.view.claims.values()) {
    if (claim.epoch < epoch || (isConfirmed && claim.confirmedAt === undefined)) continue;
    const batchCount = replica.batchesOf(claim);
    const own = batchCount === undefined ? undefined : replica.rootAt(batchCount);
    if (own !== undefined && toHex(own) === claim.stateRoot) return claim;
  }
  return undefined;
}

export function withdrawalView(context: ApiContext, index: number, leaf: Uint8Array): WithdrawalView {
  const { replica, amounts, nowSeconds, deployment } = context;
  const fields = decodeLeaf("WITHDRAWAL", leaf);
  const payout = replica.view.payouts.get(index);
  const confirmed = coveringClaim(context, index, true);
  const payableAt = confirmed?.confirmedAt === undefined ? null : confirmed.confirmedAt.timestamp + Number(deployment.config["payoutDelaySeconds"] ?? 0);
  const statusOf = (): WithdrawalView["status"] => {
    if (payout !== undefined) return payout.paid ? "paid" : "claimable";
    if (payableAt !== null) return nowSeconds() >= payableAt ? "ready" : "confirmed";
    return coveringClaim(context, index, false) === undefined ? "made" : "claimed";
  };
  return {
    index,
    recipient: bytes(fields, "recipient"),
    amount: amounts.ofUnits(integer(fields, "amount")),
    agent: integer(fields, "agent"),
    cause: nameOf("cause", integer(fields, "cause")) as WithdrawalView["cause"],
    l2Time: integer(fields, "l2Time"),
    batchIndex: integer(fields, "batchIndex"),
    status: statusOf(),
    payableAt,
    payout: payout?.at ?? null,
  };
}

export const withdrawalProofSchema = z
  .object({
    withdrawal: withdrawalSchema,
    claimId: hash,
    proof,
    transaction: z.object({ to: address, data: hexData }).describe("The call of Bridge.withdraw; anyone may send it"),
  })
  .describe("All that the Bridge needs to pay");

const bridge = new Interface(bridgeAbi);

/** Undefined while no confirmed claim holds the withdrawal. */
export function withdrawalProofView(context: ApiContext, index: number): z.output<typeof withdrawalProofSchema> | undefined {
  const { replica, deployment } = context;
  const claim = coveringClaim(context, index, true);
  const batchCount = claim === undefined ? undefined : replica.batchesOf(claim);
  const proven = batchCount === undefined ? undefined : replica.proveAppended(KIND.WITHDRAWAL, index, batchCount);
  if (claim === undefined || proven === undefined) return undefined;
  const shown = proofView(proven);
  const data = bridge.encodeFunctionData("withdraw", [index, shown.leaf, shown.siblings, claim.claimId]);
  return {
    withdrawal: withdrawalView(context, index, proven.leaf),
    claimId: claim.claimId,
    proof: shown,
    transaction: { to: deployment.contracts.bridge, data },
  };
}
