import { expect } from "chai";

import { decodeLeaf, toHex } from "../../core/codec/index.ts";
import { KIND, MACHINE, PHASE } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import type { State, StateTree } from "../../core/state/index.ts";
import { createBundleResult, createExecutor } from "../../core/transition/index.ts";
import type { BatchInput, Executor } from "../../core/transition/index.ts";
import { TEST_CHANNELS, TEST_DOMAIN, TestRollup } from "../builders/TestRollup.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { generateBatch } from "../differential/scenario/generateBatch.ts";
import { Random } from "../differential/scenario/Random.ts";
import { StateView } from "../differential/scenario/StateView.ts";

const LIVE_KINDS = [KIND.SYSTEM, KIND.AGENT, KIND.DIRECTORY, KIND.INVOCATION, KIND.WORKFLOW, KIND.SESSION, KIND.CHANNEL];
const cast = ["ada", "bob", "cy", "dee", "eve", "flo"].map(createActor);

/** Executes a batch on the fast path; `give` says whether the number of slots is known beforehand. */
function executeFast(executor: Executor, batch: BatchInput, rollup: TestRollup, isSlotCountKnown: boolean): void {
  const out = createBundleResult();
  const { system } = executor.state;
  executor.beginBatch({ l2Time: batch.l2Time, queueEnd: batch.queueEnd, slots: isSlotCountKnown ? batch.slots : undefined });
  while (system.u8(MACHINE.phase) === PHASE.INBOX) executor.applyEntry(rollup.entry(system.u64(MACHINE.inboxCursor)));
  for (let at = 0; at < batch.data.length; at += 96 * out.slotsTaken) {
    const recovered = executor.isBundle(batch.data, at) ? executor.recoverBundle(batch.data, at) : null;
    executor.executeBundle(batch.data, at, recovered, out);
  }
  executor.endBatch();
}

function compareStates(fast: State, slow: State): void {
  for (const kind of LIVE_KINDS) {
    const count = Math.max(fast.store(kind).count, slow.store(kind).count);
    for (let i = 0; i < count; i += 1) expect(toHex(fast.leaf(kind, i)), `kind ${kind} leaf ${i}`).to.equal(toHex(slow.leaf(kind, i)));
  }
}

/** Units in the state: balances, prices of open calls, escrows, what channels hold, fees. */
function unitsHeld(state: State): number {
  const sum = (kind: number, leaf: "AGENT" | "INVOCATION" | "WORKFLOW" | "CHANNEL", field: string): number => {
    let total = 0;
    for (let i = 0; i < state.store(kind).count; i += 1) {
      const fields = decodeLeaf(leaf, state.leaf(kind, i));
      // A free slot is no call, workflow or channel; its link lies where other fields do.
      if (leaf === "AGENT" || fields["id"] !== 0) total += fields[field] as number;
    }
    return total;
  };
  const fees = decodeLeaf("MACHINE", state.leaf(KIND.SYSTEM, 0))["feeBalance"] as number;
  return sum(KIND.AGENT, "AGENT", "balance") + sum(KIND.INVOCATION, "INVOCATION", "price") + sum(KIND.WORKFLOW, "WORKFLOW", "escrow") + sum(KIND.CHANNEL, "CHANNEL", "depositA") + sum(KIND.CHANNEL, "CHANNEL", "depositB") + fees;
}

/** Units in the withdrawals that were just appended. */
function applyAndCountWithdrawn(state: State, tree: StateTree): number {
  const drained = state.drainDirty();
  tree.apply(drained);
  let withdrawn = 0;
  for (const { kind, leaves } of drained) {
    if (kind !== KIND.WITHDRAWAL) continue;
    for (let at = 0; at < leaves.length; at += 128) withdrawn += decodeLeaf("WITHDRAWAL", leaves.slice(at, at + 128))["amount"] as number;
  }
  return withdrawn;
}

describe("fast path", () => {
  for (const seed of [1, 2, 3]) {
    it(`executor: reaches the machine's state and root, and keeps every unit, when batches are random (seed ${seed})`, () => {
      const random = new Random(seed);
      const rollup = new TestRollup({ fee: seed === 1 ? 0 : 2 });
      const view = new StateView((kind, index) => rollup.state.leaf(kind, index));
      const executor = createExecutor(createState(), rollup.parameters);
      const slowTree = createStateTree();
      const fastTree = createStateTree();
      let l2Time = 1_000_000;
      let deposited = 0;
      let withdrawn = 0;
      for (let round = 0; round < 60; round += 1) {
        const agentCount = view.machine()["agentCount"];
        const agents = Array.from({ length: agentCount }, (_, i) => i + 1);
        const planned = generateBatch({ random, view, cast, domainSeparator: TEST_DOMAIN, channels: TEST_CHANNELS }, agents, l2Time, rollup.entries.length);
        l2Time = planned.l2Time;
        for (const entry of planned.entries) {
          rollup.enqueue(entry);
          if (entry.kind === 64) deposited += entry.value;
        }
        rollup.submit(l2Time, planned.data);
        rollup.run();
        executeFast(executor, rollup.batches[round], rollup, round % 2 === 0);
        compareStates(executor.state, rollup.state);
        withdrawn += applyAndCountWithdrawn(rollup.state, slowTree);
        fastTree.apply(executor.state.drainDirty());
        expect(toHex(fastTree.root())).to.equal(toHex(slowTree.root()));
        expect(unitsHeld(rollup.state) + withdrawn, `units after round ${round}`).to.equal(deposited);
      }
    });
  }

  it("snapshot: gives the same state, directory and root when it is loaded elsewhere", () => {
    const rollup = new TestRollup();
    rollup.fund(1000, cast.map((actor, i) => [actor, 100 + i] as const));
    const tree = createStateTree();
    tree.apply(rollup.state.drainDirty());
    const copy = createState();
    const snapshot = rollup.state.exportSnapshot();
    copy.importSnapshot(snapshot);
    compareStates(copy, rollup.state);
    for (const [i, { address }] of cast.entries()) expect(copy.directory.find(new DataView(address.buffer), address.byteOffset)).to.equal(i + 1);
    const restored = createStateTree();
    restored.restore(tree.snapshot());
    for (const { kind, first, leaves } of snapshot.parts) if (kind !== KIND.RECEIPT && kind !== KIND.WITHDRAWAL) restored.load(kind, first, leaves);
    expect(toHex(restored.root())).to.equal(toHex(tree.root()));
  });
});
