import type { ContractTransactionResponse } from "ethers";
import { ZeroHash } from "ethers";

import { encodeLeaf, fromHex } from "../../core/codec/index.ts";
import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { DEPTH_OF_KIND, KIND } from "../../core/generated/protocol.ts";
import { claimState } from "../builders/claimState.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import { sparseState, withdrawalLeaf } from "../builders/stateTree.ts";
import type { SparseLeaf } from "../builders/stateTree.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const START_TIME = 2_000_000_000;
const GWEI = 1_000_000_000n;
const OPEN = 1;

/** A state in which no sibling of leaf 0 of any kind with money is zero: proofs cost no more than this. */
function fullState(words: Readonly<Record<number, readonly string[]>>) {
  const leaves: SparseLeaf[] = [];
  for (const [kind, own] of Object.entries(words)) {
    const depth = DEPTH_OF_KIND[Number(kind)]!;
    for (let level = 0; level < depth; level += 1) {
      for (const child of [1n, 2n, 3n]) leaves.push({ kind: Number(kind), depth, index: child * 4n ** BigInt(level), words: own });
    }
    leaves.push({ kind: Number(kind), depth, index: 0n, words: own });
  }
  const filler = [1, 2, 3, 4].map((byte) => `0x${String(byte).repeat(64)}`);
  for (const kind of [3, 6, 7, 8, 10, 11, 12]) leaves.push({ kind, depth: 1, index: 0n, words: filler });
  return sparseState(leaves);
}

/** Gas of leaving a dead chain. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await createL1Scene();
  const figures: Record<string, number> = {};
  let time = START_TIME;
  const measure = async (name: string | undefined, send: () => Promise<ContractTransactionResponse>): Promise<void> => {
    await scene.setNextTime((time += 12));
    const receipt = await (await send()).wait();
    if (name !== undefined) figures[name] = Number(receipt!.gasUsed);
  };
  try {
    await scene.setNextTime(time);
    const [me, guardian] = [scene.signers[0]!, scene.signers[9]!];
    const chain = await scene.createRollup({ feeRecipient: scene.signers[8]!.address, guardian: guardian.address, guardianSeconds: 1_000 });
    const { inbox, bridge, settlement, exodus } = chain;
    const owner = fromHex("0x00000000000000000000000000000000000ace01");
    const words: Record<number, string[]> = {
      [KIND.SYSTEM]: hexWords(encodeLeaf("MACHINE", { feeBalance: 500, inboxCursor: 0 })),
      [KIND.AGENT]: hexWords(encodeLeaf("AGENT", { owner, balance: 500 })),
      [KIND.INVOCATION]: hexWords(encodeLeaf("INVOCATION", { id: 7, requester: 0, provider: 0, price: 500, status: OPEN, workflowSlot: 0, workflowId: 9 })),
      [KIND.WORKFLOW]: hexWords(encodeLeaf("WORKFLOW", { id: 9, owner: 0, escrow: 500, status: OPEN, expected: 2, answered: 1 })),
      [KIND.WITHDRAWAL]: [...withdrawalLeaf({ recipient: "0x00000000000000000000000000000000000ACE01", amount: 500n })],
    };
    const state = fullState(words);
    const at = (kind: number, index = 0n) => ({ kind, index, words: words[kind] as [string, string, string, string], siblings: state.proof(kind, index) });
    await measure(undefined, () => bridge.deposit(me.address, 10n ** 18n, { value: 10n ** 18n }));
    await measure(undefined, () => submitBatch(inbox, time, 1, "0x"));
    await scene.setNextTime((time += 12));
    const { claimId } = await claimState(chain, { stateRoot: state.root });
    time += 50;
    await measure(undefined, () => settlement.confirm(claimId));
    await measure(undefined, () => bridge.deposit(me.address, 5n * GWEI, { value: 5n * GWEI }));
    await measure("Bridge.pause", () => bridge.connect(guardian).pause(1));
    time = Number(await exodus.declarableAt());
    await measure("Exodus.declare", () => exodus.declare());
    await measure("Exodus.finalise", () => exodus.finalise());
    await measure("Exodus.payLeaf (AGENT, first of its 256)", () => exodus.payLeaf(at(KIND.AGENT, 1n), []));
    await measure("Exodus.payLeaf (AGENT)", () => exodus.payLeaf(at(KIND.AGENT, 2n), []));
    await measure("Exodus.payLeaf (INVOCATION, a step)", () => exodus.payLeaf(at(KIND.INVOCATION), [at(KIND.WORKFLOW), at(KIND.AGENT)]));
    await measure("Exodus.payLeaf (WORKFLOW)", () => exodus.payLeaf(at(KIND.WORKFLOW), [at(KIND.AGENT)]));
    await measure("Exodus.payLeaf (fees)", () => exodus.payLeaf(at(KIND.SYSTEM), []));
    await measure("Exodus.payLeaf (WITHDRAWAL)", () => exodus.payLeaf(at(KIND.WITHDRAWAL), []));
    const { dueTime, value } = (await inbox.queryFilter(inbox.filters.EntryQueued(1)))[0]!.args;
    const entry = { kind: 64, sender: me.address, account: me.address, value, slots: 0, dataRoot: ZeroHash, dueTime };
    await measure("Exodus.refundDeposit", () => exodus.refundDeposit(1, entry, at(KIND.SYSTEM)));
  } finally {
    await scene.close();
  }
  return figures;
}
