import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { packFeeTable, recordStep } from "../../core/dispute/index.ts";
import { KIND, OP, PHASE } from "../../core/generated/protocol.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { createStateTree } from "../../core/state/index.ts";
import { followOpenings } from "../builders/followOpenings.ts";
import { joinBytes, TEST_CHANNELS, TEST_DOMAIN, TestRollup } from "../builders/TestRollup.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { generateBatch } from "../differential/scenario/generateBatch.ts";
import { Random } from "../differential/scenario/Random.ts";
import { StateView } from "../differential/scenario/StateView.ts";

const cast = ["ada", "bob", "cy", "dee"].map(createActor);

describe("step proof", () => {
  it("N-3 genesis: is the constant root of the empty state", () => {
    const zero = new Uint8Array(128);
    expect(toHex(createStateTree().root())).to.equal(toHex(keccak256(joinBytes([zero, Uint8Array.of(255)]))));
    expect(toHex(createStateTree().root())).to.equal("0x784e0e3702b26e709ce052e0a99f0bae298b09ccdb8ed2579083e43450f33763");
  });

  for (const seed of [11, 12]) {
    it(`openings: lead from the root before to the root after when each is checked after the writes before it (seed ${seed})`, () => {
      const random = new Random(seed);
      const rollup = new TestRollup({ fee: 1 });
      const view = new StateView((kind, index) => rollup.state.leaf(kind, index));
      const tree = createStateTree();
      let l2Time = 1_000_000;
      const phases = new Set<number>();
      for (let round = 0; round < 25; round += 1) {
        const agents = Array.from({ length: view.machine()["agentCount"] }, (_, i) => i + 1);
        const planned = generateBatch({ random, view, cast, domainSeparator: TEST_DOMAIN, channels: TEST_CHANNELS }, agents, l2Time, rollup.entries.length);
        l2Time = planned.l2Time;
        for (const entry of planned.entries) rollup.enqueue(entry);
        rollup.submit(l2Time, planned.data);
        let steps = 0;
        while (!rollup.isDone) {
          const recorded = recordStep(rollup.machine, tree, rollup.batches.length, rollup);
          phases.add(recorded.trace.phase);
          expect(followOpenings(recorded)).to.equal(toHex(recorded.postRoot));
          expect(recorded.leaves[0]).to.include({ kind: KIND.SYSTEM, index: 0 });
          steps += 1;
        }
        // M-9
        const forced = planned.entries.reduce((sum, entry) => sum + entry.data.length / 96, 0);
        expect(steps).to.be.at.most(1 + planned.entries.length + 2 * forced + (2 * planned.data.length) / 96);
      }
      expect([...phases].sort()).to.deep.equal(Object.values(PHASE).sort());
    });
  }

  it("M-1 identity: proves MACHINE alone and leaves the root when all is executed", () => {
    const rollup = new TestRollup();
    const tree = createStateTree();
    const recorded = recordStep(rollup.machine, tree, 0, rollup);
    expect(recorded.proof.leaves).to.have.length(1);
    expect(recorded.proof.slot).to.deep.equal({ chunk: "0x", siblings: [] });
    expect(toHex(recorded.postRoot)).to.equal(toHex(recorded.preRoot));
    expect(followOpenings(recorded)).to.equal(toHex(recorded.postRoot));
  });

  it("witness: names the data that the step reads when that is an entry, a batch or a slot", () => {
    const rollup = new TestRollup();
    const tree = createStateTree();
    const [ada] = cast;
    rollup.enqueue({ kind: OP.DEPOSIT, sender: ada.address, account: ada.address, value: 5 });
    rollup.submit(1000, new Uint8Array(96));
    const [take, deposit, garbage] = [0, 1, 2].map(() => recordStep(rollup.machine, tree, 1, rollup));
    expect(take.proof.batch).to.include({ l2Time: 1000, queueEnd: 1, slots: 1 });
    expect(take.proof.slot.chunk).to.equal("0x");
    expect(deposit.proof.entry).to.include({ kind: OP.DEPOSIT, value: 5n, sender: toHex(ada.address) });
    expect(deposit.proof.batch.slots).to.equal(0);
    expect(garbage.proof.slot.chunk).to.equal(toHex(new Uint8Array(96)));
    expect(garbage.proof.batch.slots).to.equal(1);
  });

  it("fee table: is packed with the first fee in the highest bits when StepEnv carries it", () => {
    const fees = Array.from({ length: 24 }, (_, i) => i + 1);
    const [first, second, third] = packFeeTable(fees);
    expect(first.toString(16).padStart(64, "0")).to.equal([1, 2, 3, 4, 5, 6, 7, 8].map((fee) => fee.toString(16).padStart(8, "0")).join(""));
    expect(second & 0xffffffffn).to.equal(16n);
    expect(third >> 224n).to.equal(17n);
  });
});
