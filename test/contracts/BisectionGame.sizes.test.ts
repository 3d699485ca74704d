import { expect } from "chai";
import { AbiCoder, keccak256, toBeHex, ZeroHash } from "ethers";

import type { TestEpochs } from "../../typechain-types/index.ts";
import type { StepProofStruct } from "../../typechain-types/root/BisectionGame.ts";
import { deployDisputeContracts } from "../builders/disputeContracts.ts";
import { DISPUTE, createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";
import { DisputeTable } from "../builders/disputeTable.ts";

const MAX_U64 = 2n ** 64n - 1n;
const MAX_U32 = 2n ** 32n - 1n;
const NO_PROOF: StepProofStruct = {
  batch: { l2Time: 0, queueEnd: 0, slots: 0, dataRoot: ZeroHash },
  entry: { kind: 0, sender: `0x${"00".repeat(20)}`, account: `0x${"00".repeat(20)}`, value: 0, slots: 0, dataRoot: ZeroHash, dueTime: 0 },
  slot: { chunk: "0x", siblings: [] },
  leaves: [],
};
const hashOf = (state: string): string => keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32"], [state]));

describe("bisection game, sizes", function () {
  this.timeout(300_000);

  /** Deposits and slots of garbage: 1 step for the batch, 1 a deposit, 2 a slot (RULES M-9). */
  const sizes = [
    { steps: 1, deposits: 0, garbageSlots: 0 },
    { steps: 2, deposits: 1, garbageSlots: 0 },
    { steps: 7, deposits: 2, garbageSlots: 2 },
    { steps: 8, deposits: 3, garbageSlots: 2 },
    { steps: 9, deposits: 4, garbageSlots: 2 },
    { steps: 15, deposits: 4, garbageSlots: 5 },
    { steps: 16, deposits: 5, garbageSlots: 5 },
    { steps: 17, deposits: 6, garbageSlots: 5 },
  ];
  for (const k of [2, 3, 16]) {
    it(`trace of 1, 2, 2^d-1, 2^d, 2^d+1 steps: the liar loses wherever it lies, first or second (k = ${k})`, async () => {
      for (const { steps, ...made } of sizes) {
        const scene = await createDisputeScene(k, { ...made, hasNoBundle: true });
        expect(scene.length).to.equal(steps);
        const roundId = await scene.settlement.roundIdOf(scene.parent, 1);
        const snapshot = await scene.connection.networkHelpers.takeSnapshot();
        const lies = Array.from({ length: steps }, (_, step) => step + 1).filter((from) => steps < 10 || from % 7 === 1 || from === steps);
        for (const from of lies) {
          for (const isLiarFirst of [false, true]) {
            const table = new DisputeTable(scene, k, roundId);
            const beliefs = [scene.roots, lyingRoots(scene.roots, from)];
            if (isLiarFirst) beliefs.reverse();
            const earlier = await table.enter(scene.signers[1]!, beliefs[0]!);
            const later = await table.enter(scene.signers[2]!, beliefs[1]!);
            const leaf = await table.playToLeaf(earlier, later);
            expect(leaf.step).to.equal(from - 1);
            await table.prove(earlier, later, leaf);
            expect([await table.isDead(earlier), await table.isDead(later)], `${steps} steps, false from ${from}`).to.deep.equal([isLiarFirst, !isLiarFirst]);
            await snapshot.restore();
          }
        }
        await scene.connection.close();
      }
    });
  }

  it("padding: hides nothing, because a step over it is a step like any other and its outcome is proven", async () => {
    const garbageSlots = 4;
    const scene = await createDisputeScene(2, { garbageSlots });
    const roundId = await scene.settlement.roundIdOf(scene.parent, 1);
    const snapshot = await scene.connection.networkHelpers.takeSnapshot();
    for (let from = scene.length - 2 * garbageSlots + 1; from <= scene.length; from += 1) {
      const table = new DisputeTable(scene, 2, roundId);
      const honest = await table.enter(scene.signers[1]!, scene.roots);
      // A state that the trace had before: what padding would have hidden is taken back.
      const liar = await table.enter(scene.signers[2]!, scene.roots.map((root, step) => (step < from ? root : scene.roots[2]!)));
      const leaf = await table.playToLeaf(honest, liar);
      await table.prove(honest, liar, leaf);
      expect([await table.isDead(honest), await table.isDead(liar)]).to.deep.equal([false, true]);
      await snapshot.restore();
    }
    await scene.connection.close();
  });

  for (const [k, steps] of [[2, MAX_U64], [64, MAX_U64], [2, 2n ** 63n], [16, MAX_U64]] as const) {
    it(`moves: at the edges of every width, ${steps} steps (k = ${k}, made-up steps)`, async () => {
      const scene = await deployDisputeContracts(k, { hasMadeUpSteps: true });
      const { settlement, game, signers, connection } = scene;
      const epochs = (await connection.ethers.getContractAt("TestEpochs", await scene.inbox.getAddress())) as unknown as TestEpochs;
      await epochs.setSteps(0, steps);
      const parent = await settlement.genesisClaim();
      const [parentRoot, roundId] = [(await settlement.latestConfirmed()).stateRoot, await settlement.roundIdOf(parent, 1)];
      const snapshot = await connection.networkHelpers.takeSnapshot();
      for (const lieAt of [1n, 2n, steps / 2n, steps - 1n, steps]) {
        // Made up, but the step before the lie: there the true state is the hash of the state before it.
        const agreed = (step: bigint): string => (step === 0n ? parentRoot : keccak256(toBeHex(step, 32)));
        const truth = (step: bigint): string => (step < lieAt ? agreed(step) : step === lieAt ? hashOf(agreed(step - 1n)) : keccak256(toBeHex(step + MAX_U64, 32)));
        const lie = (step: bigint): string => (step < lieAt ? agreed(step) : keccak256(toBeHex(step + 2n * MAX_U64, 32)));
        const beliefs = [truth, lie] as const;
        for (const n of [0, 1] as const) {
          await settlement.connect(signers[n + 1]!).claim(parent, 1, 0, beliefs[n](steps), await epochs.epochAccumulator(0), signers[n + 1]!.address, { value: await settlement.bondFor(parent) });
        }
        const ends = (from: bigint, size: bigint): bigint[] => {
          const parts = size < BigInt(k) ? Number(size) : k;
          return Array.from({ length: parts }, (_, m) => from + (size * BigInt(m + 1)) / BigInt(parts));
        };
        let said = { from: 0n, size: steps, preState: parentRoot, states: ends(0n, steps).map(lie) };
        await game.connect(signers[2]!).open(roundId, 1, said.states, { value: DISPUTE.moveBondWei });
        for (let mover: 0 | 1 = 0; ; mover = mover === 0 ? 1 : 0) {
          const own = beliefs[mover];
          const points = ends(said.from, said.size);
          const part = points.findIndex((end, m) => own(end) !== said.states[m]);
          const from = part === 0 ? said.from : points[part - 1]!;
          const [size, preState] = [points[part]! - from, part === 0 ? said.preState : said.states[part - 1]!];
          const states = ends(from, size).map(own);
          const { move } = await game.games(roundId, 0, 1);
          await game.connect(signers[mover + 1]!).answer(roundId, 0, 1, move === ZeroHash ? (await game.openings(roundId, 1)).move : move, said, part, states, { value: DISPUTE.moveBondWei });
          const denied = said.states[part]!;
          said = { from, size, preState, states };
          if (size > 1n) continue;
          expect(from).to.equal(lieAt - 1n);
          const leaf = { step: from, preState, saidEarlier: mover === 0 ? states[0]! : denied, saidLater: mover === 0 ? denied : states[0]! };
          await game.prove(roundId, 0, 1, leaf, NO_PROOF);
          break;
        }
        expect((await settlement.entries(roundId, 1)).isDead).to.equal(true);
        await snapshot.restore();
      }
      await connection.close();
    });
  }

  it("moves: at the edges of every width, the number of entries is checked and not wrapped", async () => {
    const scene = await createDisputeScene(2);
    const { settlement, parent, connection, signers, accumulator, roots } = scene;
    const table = new DisputeTable(scene, 2, await settlement.roundIdOf(parent, 1));
    await table.enter(signers[1]!, roots);
    // openedAt (64 bits), number (32), entryCount (32): the third field of the slot.
    const slot = keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "uint256"], [parent, 3]));
    const word = BigInt(await connection.ethers.provider.getStorage(settlement, slot));
    const entryCount = (word >> 96n) & MAX_U32;
    expect(entryCount).to.equal((await settlement.rounds(parent)).entryCount);
    await connection.networkHelpers.setStorageAt(await settlement.getAddress(), slot, toBeHex(word + ((MAX_U32 - entryCount) << 96n), 32));
    const value = await settlement.bondFor(parent);
    expect(value).to.equal((DISPUTE.bondWei * (32n + MAX_U32) + 31n) / 32n);
    const entering = settlement.connect(signers[2]!).claim(parent, 1, 0, roots[scene.length]!, accumulator, signers[2]!.address, { value });
    await expect(entering).to.be.revertedWithPanic(0x11);
    await connection.close();
  });
});
