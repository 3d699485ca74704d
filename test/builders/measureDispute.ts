import { keccak256, toUtf8Bytes } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import type { DisputeOptions } from "./disputeContracts.ts";
import { DisputeTable } from "./disputeTable.ts";
import { createLongEpoch } from "./longEpoch.ts";
import type { LongEpoch } from "./longEpoch.ts";

export interface MeasuredDispute {
  readonly k: number;
  readonly steps: number;
  /** The opening and the answers; the proof is one transaction more. */
  readonly moves: number;
  /** From the opening to the last settling, both sides together; entering, confirming and withdrawing are not in it. */
  readonly gas: number;
  /** What the honest side spends of that: answers, proof, settling. */
  readonly honestGas: number;
  /** Of the transactions of `gas`. */
  readonly calldataBytes: number;
  /** By call; of several the dearest. */
  readonly gasOf: Readonly<Record<string, number>>;
}

/**
 * Plays the dispute of an honest first and a lying second entry over a trace of `steps` steps to its end, with the real step, once for
 * each number of parts. The liar's roots are true up to a step in the middle of a bundle and made up after it.
 */
export async function measureDisputes(allParts: readonly number[], steps: number, options: DisputeOptions = {}): Promise<MeasuredDispute[]> {
  const epoch = await createLongEpoch(allParts[0]!, steps, options);
  try {
    const measured: MeasuredDispute[] = [];
    for (const k of allParts) measured.push(await measureDispute(k, { ...epoch, ...(await epoch.withParts(k)) }));
    return measured;
  } finally {
    await epoch.connection.close();
  }
}

async function measureDispute(k: number, epoch: LongEpoch): Promise<MeasuredDispute> {
  const { settlement, signers, tick, length: steps } = epoch;
  const table = new DisputeTable({ ...epoch, setNextTime: async () => Promise.resolve() }, k, await settlement.roundIdOf(epoch.parent, 1));
  const gasOf: Record<string, number> = {};
  let [gas, honestGas, calldataBytes, moves] = [0, 0, 0, 0];
  table.watch = (call, { gasUsed, from }, calldata) => {
    const name = call === "claim" && gasOf["claim"] !== undefined ? "claim (a rival)" : call;
    gasOf[name] = Math.max(gasOf[name] ?? 0, Number(gasUsed));
    if (name.startsWith("claim")) return;
    if (name.startsWith("open") || name.startsWith("answer")) moves += 1;
    gas += Number(gasUsed);
    if (from === signers[1]!.address) honestGas += Number(gasUsed);
    calldataBytes += (calldata.length - 2) / 2;
  };
  const lieAt = Math.floor((steps * 2) / 3);
  const rootAt = (step: number): string => toHex(epoch.trace.stateRootAt(step));
  await tick();
  const honest = await table.enter(signers[1]!, rootAt);
  await tick();
  const liar = await table.enter(signers[2]!, (step) => (step < lieAt ? rootAt(step) : keccak256(toUtf8Bytes(`lie ${step}`))));
  await tick();
  await table.open(liar);
  for (let leaf = null; leaf === null; ) {
    await tick();
    leaf = await table.answer(honest, liar);
    if (leaf === null) continue;
    if (leaf.step !== lieAt - 1) throw new Error(`the game came down to step ${leaf.step}, the lie begins with ${lieAt - 1}`);
    await tick();
    await table.prove(honest, liar, leaf);
  }
  await tick();
  await table.settle(honest, liar);
  await tick();
  await table.settleOpening(liar);
  return { k, steps, moves, gas, honestGas, calldataBytes, gasOf };
}
