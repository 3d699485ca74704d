import { expect } from "chai";

import { DISPUTE, createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";
import type { DisputeScene } from "../builders/disputeScene.ts";
import { DisputeTable } from "../builders/disputeTable.ts";
import type { NamedLeaf, Player } from "../builders/disputeTable.ts";

const { windowSeconds: W, joinSeconds: D, clockSeconds: C0, incrementSeconds: E, moveBondWei: MOVE } = DISPUTE;
const K = 2;
const YEAR = 365 * 86_400;
const ZERO_HASH = `0x${"00".repeat(32)}`;

describe("bisection game, limits", function () {
  this.timeout(120_000);
  let scene: DisputeScene;
  let table: DisputeTable;
  let snapshot: { restore(): Promise<void> };
  let roundId: string;

  before(async () => {
    scene = await createDisputeScene(K);
    roundId = await scene.settlement.roundIdOf(scene.parent, 1);
    snapshot = await scene.connection.networkHelpers.takeSnapshot();
  });
  beforeEach(() => {
    table = new DisputeTable(scene, K, roundId);
  });
  afterEach(() => snapshot.restore());
  after(() => scene.connection.close());

  const again = async (): Promise<void> => {
    await snapshot.restore();
    table = new DisputeTable(scene, K, roundId);
  };
  const enterBoth = async (from = 2): Promise<[Player, Player]> => {
    const honest = await table.enter(scene.signers[1]!, scene.roots);
    return [honest, await table.enter(scene.signers[2]!, lyingRoots(scene.roots, from))];
  };
  const lateAt = async (earlier: Player, later: Player): Promise<number> => Number((await scene.game.deadline(roundId, earlier.n, later.n))[1]);
  const prove = (earlier: Player, later: Player, leaf: NamedLeaf) => scene.game.prove(roundId, earlier.n, later.n, leaf, table.proofOf(leaf.step));
  const outs = (...players: Player[]): Promise<boolean[]> => Promise.all(players.map((player) => table.isDead(player)));

  it("game: advances and times out when states are zero", async () => {
    const zeros = scene.roots.map((root, step) => (step === 0 ? root : ZERO_HASH));
    const honest = await table.enter(scene.signers[1]!, scene.roots);
    const liar = await table.enter(scene.signers[2]!, zeros);
    const leaf = await table.playToLeaf(honest, liar);
    expect(leaf.saidLater).to.equal(ZERO_HASH);
    await prove(honest, liar, leaf);
    expect(await outs(honest, liar)).to.deep.equal([false, true]);

    await again();
    const first = await table.enter(scene.signers[2]!, zeros);
    const second = await table.enter(scene.signers[1]!, scene.roots);
    await table.open(second);
    await table.answer(first, second);
    await table.timeout(first, second);
    expect(await outs(first, second)).to.deep.equal([false, true]);

    await again();
    const silent = await table.enter(scene.signers[1]!, scene.roots);
    const opener = await table.enter(scene.signers[2]!, zeros);
    await table.open(opener);
    await table.timeout(silent, opener);
    expect(await outs(silent, opener)).to.deep.equal([true, false]);
    await scene.setNextTime((await table.openedAt()) + W + D);
    await scene.settlement.confirm(await table.claimOf(opener));
    expect((await scene.settlement.latestConfirmed()).stateRoot).to.equal(ZERO_HASH);
  });

  it("timeout: works a year late", async () => {
    const [honest, liar] = await enterBoth();
    await table.open(liar);
    await table.answer(honest, liar);
    await scene.setNextTime((await lateAt(honest, liar)) + YEAR);
    await scene.game.timeout(roundId, honest.n, liar.n);
    expect(await outs(honest, liar)).to.deep.equal([false, true]);
    await scene.settlement.confirm(await table.claimOf(honest));
  });

  it("timeout: nobody acts for a year, and the one on move is out whenever somebody asks, so that the chain goes on", async () => {
    const [honest, liar] = await enterBoth();
    await scene.setNextTime((await scene.now()) + YEAR);
    await expect(scene.settlement.confirm(await table.claimOf(honest))).to.be.revertedWithCustomError(scene.settlement, "LiveRivals");
    await scene.game.connect(scene.signers[9]!).timeout(roundId, honest.n, liar.n);
    await scene.settlement.confirm(await table.claimOf(honest));
    expect((await scene.settlement.latestConfirmed()).nextEpoch).to.equal(1n);
  });

  it("leaf: the same survivor in both orders of proof and timeout in a block, before the deadline and at it", async () => {
    const { provider } = scene.connection.ethers;
    for (const [offset, isProofFirst] of [[-1, true], [-1, false], [0, true], [0, false]] as const) {
      const [honest, liar] = await enterBoth();
      const leaf = await table.playToLeaf(honest, liar);
      const { isLaterOnMove } = await scene.game.deadline(roundId, honest.n, liar.n).then(([isLater]) => ({ isLaterOnMove: isLater }));
      const limit = await lateAt(honest, liar);
      await provider.send("evm_setAutomine", [false]);
      const gas = { gasLimit: 1_500_000 };
      const proof = () => scene.game.prove(roundId, honest.n, liar.n, leaf, table.proofOf(leaf.step), gas);
      const timeout = () => scene.game.timeout(roundId, honest.n, liar.n, gas);
      for (const send of isProofFirst ? [proof, timeout] : [timeout, proof]) await send();
      await scene.setNextTime(limit + offset);
      await provider.send("evm_mine", []);
      await provider.send("evm_setAutomine", [true]);
      // Before the deadline the proof decides, from it on the one on move is out.
      const isLiarOut = offset < 0 ? true : isLaterOnMove;
      expect(await outs(honest, liar), `offset ${offset}, proof first: ${isProofFirst}`).to.deep.equal([!isLiarOut, isLiarOut]);
      await again();
    }
  });

  it("time: opens, answers and proves a second before its limit and not at it; times out at it and not before", async () => {
    const limits = [
      { name: "open", reach: async () => ({ act: () => table.open(players[1]) }) },
      { name: "answer", reach: async () => (await table.open(players[1]), { act: () => table.answer(...players) }) },
      {
        name: "prove",
        reach: async () => {
          const leaf = await table.playToLeaf(...players);
          return { act: () => prove(...players, leaf) };
        },
      },
    ];
    let players: [Player, Player];
    for (const { name, reach } of limits) {
      for (const offset of [-1, 0, 1]) {
        players = await enterBoth();
        const { act } = await reach();
        const limit = await lateAt(...players);
        await scene.setNextTime(limit + offset);
        if (offset < 0) await act();
        else await expect(act(), `${name} ${offset}`).to.be.revertedWithCustomError(scene.game, "TooLate").withArgs(limit);
        await again();
        players = await enterBoth();
        await reach();
        const [isLater, at] = await scene.game.deadline(roundId, players[0].n, players[1].n);
        await scene.setNextTime(Number(at) + offset);
        const timeout = () => scene.game.timeout(roundId, players[0].n, players[1].n);
        if (offset < 0) await expect(timeout(), `${name} ${offset}`).to.be.revertedWithCustomError(scene.game, "TooEarly").withArgs(at);
        else {
          await timeout();
          expect(await outs(...players)).to.deep.equal([!isLater, isLater]);
        }
        await again();
      }
    }
  });

  it("clock: counts what a player used in this game, and every move adds an increment", async () => {
    const [honest, liar] = await enterBoth();
    const enteredAt = Number((await scene.settlement.entries(roundId, liar.n)).enteredAt);
    expect(await lateAt(honest, liar)).to.equal(enteredAt + C0);
    await scene.setNextTime(enteredAt + 40);
    await table.open(liar);
    expect(await lateAt(honest, liar)).to.equal(enteredAt + 40 + C0);
    await scene.setNextTime(enteredAt + 50);
    await table.answer(honest, liar);
    // It used 40 of its C0 and has made one move.
    expect(await lateAt(honest, liar)).to.equal(enteredAt + 50 + C0 + E - 40);
  });

  it("prove, answer, open: revert after expiry and resolution", async () => {
    const [honest, liar] = await enterBoth();
    const leaf = await table.playToLeaf(honest, liar);
    await expect(scene.game.connect(liar.signer).answer(roundId, honest.n, liar.n, ZERO_HASH, { from: 0, size: 1, preState: ZERO_HASH, states: [] }, 0, [ZERO_HASH], { value: MOVE })).to.be.revertedWithCustomError(scene.game, "IsLeaf");
    await prove(honest, liar, leaf);
    await expect(prove(honest, liar, leaf)).to.be.revertedWithCustomError(scene.game, "EntryDead").withArgs(roundId, liar.n);
    await expect(scene.game.timeout(roundId, honest.n, liar.n)).to.be.revertedWithCustomError(scene.game, "EntryDead");
    await expect(table.open(liar)).to.be.revertedWithCustomError(scene.game, "EntryDead");
    const late = await table.enter(scene.signers[3]!, scene.roots);
    await table.confirm(honest);
    await expect(table.open(late)).to.be.revertedWithCustomError(scene.game, "RoundOver").withArgs(roundId);
    await expect(scene.game.timeout(roundId, honest.n, late.n)).to.be.revertedWithCustomError(scene.game, "RoundOver");
    await expect(scene.game.deadline(roundId, honest.n, late.n)).to.be.revertedWithCustomError(scene.game, "RoundOver");

    await again();
    const [silentHonest, stalling] = await enterBoth();
    await table.open(stalling);
    await scene.setNextTime((await lateAt(silentHonest, stalling)) + 1);
    await expect(table.answer(silentHonest, stalling)).to.be.revertedWithCustomError(scene.game, "TooLate");
  });

  it("prove: reverts with too little gas, and never records a verdict", async () => {
    const [honest, liar] = await enterBoth();
    const leaf = await table.playToLeaf(honest, liar);
    const needed = Number(await scene.game.prove.estimateGas(roundId, honest.n, liar.n, leaf, table.proofOf(leaf.step)));
    // EIP-7623: no transaction with this calldata is taken with less.
    const floor = 125_000;
    let failures = 0;
    for (let gasLimit = floor; gasLimit < needed * 0.98; gasLimit += Math.ceil((needed - floor) / 40)) {
      await expect(scene.game.prove(roundId, honest.n, liar.n, leaf, table.proofOf(leaf.step), { gasLimit })).to.revert(scene.connection.ethers);
      expect(await outs(honest, liar), `${gasLimit} of ${needed} gas`).to.deep.equal([false, false]);
      failures += 1;
    }
    expect(failures).to.be.greaterThan(20);
    await prove(honest, liar, leaf);
    expect(await outs(honest, liar)).to.deep.equal([false, true]);
  });

  it("copy: costs the copier, and nobody else", async () => {
    const [honest, liar] = await enterBoth();
    // It copies the claim and, later, every move; then it lets its own game run out.
    const copier = await table.enter(scene.signers[4]!, scene.roots);
    await table.open(copier);
    await table.open(liar);
    await table.answer(honest, liar);
    const { game } = scene;
    const { said, part, previousMove, next } = await table.nextAnswer(honest, liar);
    const copied = game.connect(copier.signer).answer(roundId, honest.n, liar.n, previousMove, { ...said, states: [...said.states] }, part, [...next.states], { value: MOVE });
    await expect(copied).to.be.revertedWithCustomError(game, "NotPlayer").withArgs(copier.signer.address, liar.n);
    const leaf = await table.answerToLeaf(honest, liar);
    await table.prove(honest, liar, leaf);
    await table.settle(honest, liar);
    await table.settleOpening(liar);
    expect(await scene.settlement.credit(copier.signer.address)).to.equal(0n);
    await table.confirm(honest);
    await scene.settlement.release(roundId, copier.n);
    // What it had put in and no more: it earned nothing by copying.
    expect(await scene.settlement.credit(copier.signer.address)).to.equal((DISPUTE.bondWei * 34n) / 32n);
  });

  it("copy: loses its own bond when it throws the game, and the copied one stands", async () => {
    const [honest, liar] = await enterBoth();
    const copier = await table.enter(scene.signers[4]!, scene.roots);
    await table.timeout(liar, copier);
    expect(await outs(honest, liar, copier)).to.deep.equal([false, false, true]);
    expect(await scene.settlement.credit(copier.signer.address)).to.equal(0n);
    expect((await scene.settlement.claims(await table.claimOf(honest))).live).to.equal(1n);
  });

  it("answer: reverts when the game at its place was swapped", async () => {
    const [honest, liar] = await enterBoth();
    await table.open(liar);
    const { said, part, previousMove, next } = await table.nextAnswer(honest, liar);
    // A reorganisation: another liar has the same place, and opens otherwise.
    await again();
    const [, other] = [await table.enter(honest.signer, scene.roots), await table.enter(liar.signer, lyingRoots(scene.roots, 2, "other"))];
    await table.open(other);
    const answer = scene.game.connect(honest.signer).answer(roundId, honest.n, liar.n, previousMove, { ...said, states: [...said.states] }, part, [...next.states], { value: MOVE });
    await expect(answer).to.be.revertedWithCustomError(scene.game, "WrongMove");
    // The same with the hash that is there now, but the position of the game that was meant.
    const { move } = await scene.game.openings(roundId, other.n);
    const second = scene.game.connect(honest.signer).answer(roundId, honest.n, liar.n, move, { ...said, states: [...said.states] }, part, [...next.states], { value: MOVE });
    await expect(second).to.be.revertedWithCustomError(scene.game, "WrongMove");
  });

  it("position: is refused when it starts elsewhere, is longer, or names a part that it has not", async () => {
    const [honest, liar] = await enterBoth();
    await table.open(liar);
    const { said, part, previousMove, next } = await table.nextAnswer(honest, liar);
    const position = { ...said, states: [...said.states] };
    const answer = (previous: typeof position, which: number, states: readonly string[], value: bigint = MOVE) =>
      scene.game.connect(honest.signer).answer(roundId, honest.n, liar.n, previousMove, previous, which, [...states], { value });
    for (const changed of [{ ...position, from: 1 }, { ...position, size: said.size + 1 }, { ...position, preState: ZERO_HASH }, { ...position, states: [...position.states].reverse() }]) {
      await expect(answer(changed, part, next.states)).to.be.revertedWithCustomError(scene.game, "WrongMove");
    }
    await expect(answer(position, K, next.states)).to.be.revertedWithCustomError(scene.game, "NoSuchPart").withArgs(K, K);
    await expect(answer(position, part, next.states.slice(1))).to.be.revertedWithCustomError(scene.game, "BadStates");
    await expect(answer(position, part, [...next.states.slice(0, -1), said.states[part]!])).to.be.revertedWithCustomError(scene.game, "NothingDenied");
    await expect(answer(position, part, next.states, MOVE + 1n)).to.be.revertedWithCustomError(scene.game, "WrongBond");
    await answer(position, part, next.states);
  });

  it("answer: names its own claim's root at the epoch's end", async () => {
    const [honest, liar] = await enterBoth(scene.length);
    await table.open(liar);
    const { said, previousMove } = await table.nextAnswer(honest, liar);
    const last = said.states.length - 1;
    const from = Math.floor((said.size * last) / said.states.length);
    const states = [...table.statesOf(honest, from, said.size - from).slice(0, -1), ZERO_HASH];
    const answer = scene.game.connect(honest.signer).answer(roundId, honest.n, liar.n, previousMove, { ...said, states: [...said.states] }, last, states, { value: MOVE });
    await expect(answer).to.be.revertedWithCustomError(scene.game, "NotOwnRoot").withArgs(ZERO_HASH, scene.roots[scene.length]);
  });
});
