import hre from "hardhat";
import type { BaseContract } from "ethers";

import { batchDataRoot, toHex } from "../../core/codec/index.ts";
import { packFeeTable } from "../../core/dispute/index.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { MACHINE, OP, PHASE, SLOT_BYTES } from "../../core/generated/protocol.ts";
import type { StateTree } from "../../core/state/index.ts";
import type { BatchInput } from "../../core/transition/index.ts";
import { FilledTree } from "../builders/FilledTree.ts";
import type { LeafKey } from "../builders/FilledTree.ts";
import { TEST_ADJUDICATOR } from "../builders/TestRollup.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { Sequence } from "../differential/scenario/Sequence.ts";

/** Sequences that between them see the most leaves that each kind of step can touch; each stops before its state is made full by hand. */
const SEEDS = [17, 32, 40, 77, 146, 162];
const BATCHES = 20;
/** Slots of every batch: 66 chunks, so that a slot's proof has as many levels as in the largest batch that fits into a transaction. */
const BATCH_SLOTS = 66 * 42;
const DOMAIN = new Uint8Array(32).fill(0x2a);

const cast = ["ann", "bob", "cyd", "dan", "eve", "fay"].map(createActor);
const nameOf = (table: Readonly<Record<string, number>>, id: number): string => Object.entries(table).find(([, value]) => value === id)?.[0] ?? "UNKNOWN";

/** Fills a batch up with slots that are no bundles: their first byte is no HEADER. */
function padded(batch: BatchInput): BatchInput {
  const data = new Uint8Array(BATCH_SLOTS * SLOT_BYTES).map((_, i) => 0x80 | ((i * 31 + (i >> 7)) & 0x7f));
  data.set(batch.data);
  return { ...batch, data, slots: BATCH_SLOTS, dataRoot: batchDataRoot(data) };
}

/** A sequence whose batches are padded, and the number of real slots of each. */
export function createSequence(seed: number, leaves: Iterable<LeafKey>): { sequence: Sequence; realSlots: number[] } {
  const sequence = new Sequence({ seed, cast, domainSeparator: DOMAIN });
  sequence.tree = new FilledTree(leaves) as unknown as StateTree;
  const realSlots: number[] = [];
  const push = sequence.batches.push.bind(sequence.batches);
  sequence.batches.push = (...added: BatchInput[]) => {
    realSlots.push(...added.map(({ slots }) => slots));
    return push(...added.map(padded));
  };
  return { sequence, realSlots };
}

/** The steps of a sequence without those over the padding. */
export function* stepsOf({ sequence, realSlots }: ReturnType<typeof createSequence>): Generator<RecordedStep> {
  const { system } = sequence.state;
  while (sequence.batches.length < BATCHES) {
    yield sequence.next();
    const isPadding = (): boolean =>
      system.u8(MACHINE.phase) === PHASE.SLOTS && system.u8(MACHINE.source) === 0 && system.u32(MACHINE.cursor) >= realSlots[system.u64(MACHINE.batchIndex)]!;
    while (isPadding()) sequence.machine.step(sequence.batchEnd, sequence);
  }
}

/** The kind of a step: its phase, and the operation where there is one. */
export function kindOfStep({ trace }: RecordedStep): string {
  const phase = nameOf(PHASE, trace.phase);
  if (trace.op < 0) return `OneStepProver.proveStep (${phase})`;
  const isKnown = trace.phase === PHASE.INBOX ? trace.op >= OP.DEPOSIT && trace.op <= OP.SWEEP_FEES : trace.op >= OP.OPEN_ACCOUNT && trace.op <= OP.SIGNATURE;
  return `OneStepProver.proveStep (${phase} ${isKnown ? nameOf(OP, trace.op) : "of an unknown kind"})`;
}

/**
 * Gas of the dearest one-step proof of each kind, as a transaction of its own with its calldata: full depth, no sibling zero, whole
 * chunks. Every proof is checked on the way: its root has to be the machine's.
 */
export async function measureGas(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const connection = await hre.network.create();
  try {
    const { ethers } = connection;
    const [signer] = await ethers.getSigners();
    for (const seed of SEEDS) {
      // First which leaves the sequence touches, then the same sequence again in a tree in which all others are taken.
      const touched = new Map<string, LeafKey>();
      for (const { leaves } of stepsOf(createSequence(seed, []))) {
        for (const { kind, index } of leaves) touched.set(`${kind}:${index}`, [kind, index]);
      }
      const harness = (await ethers.deployContract("StepHarness")) as BaseContract;
      const inbox = await harness.getAddress();
      const run = createSequence(seed, touched.values());
      const { sequence } = run;
      let [batches, entries] = [0, 0];
      for (const step of stepsOf(run)) {
        for (; batches < sequence.batches.length; batches += 1) await harness.getFunction("setBatchHash")(batches, sequence.batchHashAt(batches));
        for (; entries < sequence.entries.length; entries += 1) await harness.getFunction("setEntryHash")(entries, sequence.entryHashAt(entries));
        const env = { inbox, domainSeparator: toHex(DOMAIN), batchEnd: sequence.batchEnd, adjudicator: TEST_ADJUDICATOR, feeTable: packFeeTable(sequence.feeTable) };
        const data = harness.interface.encodeFunctionData("proveStep", [env, toHex(step.preRoot), step.proof]);
        const receipt = await (await signer!.sendTransaction({ to: inbox, data })).wait();
        const key = kindOfStep(step);
        figures[key] = Math.max(figures[key] ?? 0, Number(receipt!.gasUsed));
        if (figures[key] !== Number(receipt!.gasUsed)) continue;
        const root = (await harness.getFunction("proveStep").staticCall(env, toHex(step.preRoot), step.proof)) as string;
        if (root !== toHex(step.postRoot)) throw new Error(`${key}: the EVM says ${root}, the machine ${toHex(step.postRoot)}`);
      }
    }
    return figures;
  } finally {
    await connection.close();
  }
}
