import type { ContractTransactionResponse } from "ethers";

import type { StepProofStruct } from "../../typechain-types/root/BisectionGame.ts";
import { DISPUTE, createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";

const START_TIME = 2_000_000_000;
const { moveBondWei: MOVE } = DISPUTE;
const ZERO_HASH = `0x${"00".repeat(32)}`;
/** About 2^9 steps: enough for two bisections into 16 parts. */
const GARBAGE_SLOTS = 256;

/** Gas of a whole dispute between two entries, with 2, 4 and 16 parts. The step itself is one over garbage: see the area "steps". */
export async function measureGas(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const k of [2, 4, 16]) {
    const scene = await createDisputeScene(k, { garbageSlots: GARBAGE_SLOTS, startTime: START_TIME });
    const { settlement, game, parent, accumulator, roots } = scene;
    const [, honest, liar] = scene.signers;
    const length = roots.length - 1;
    let time = await scene.now();
    let rounds = 0;
    let total = 0;
    const measure = async (name: string | undefined, send: () => Promise<ContractTransactionResponse>): Promise<void> => {
      await scene.setNextTime((time += 2));
      const gas = Number((await (await send()).wait())!.gasUsed);
      total += gas;
      if (name !== undefined) figures[name] = gas;
    };
    const ends = (from: number, size: number): number[] => Array.from({ length: Math.min(k, size) }, (_, m) => from + Math.floor((size * (m + 1)) / Math.min(k, size)));
    const enter = (signer: NonNullable<typeof honest>, root: string) => async () =>
      settlement.connect(signer).claim(parent, 1, 0, root, accumulator, signer.address, { value: await settlement.bondFor(parent) });
    try {
      const lies = lyingRoots(roots, length - 3);
      await measure(k === 2 ? "Settlement.claim (a round's first)" : undefined, enter(honest!, roots[length]!));
      await measure(k === 2 ? "Settlement.claim (rival)" : undefined, enter(liar!, lies[length]!));
      total = 0;
      const roundId = await settlement.roundIdOf(parent, 1);
      const players = [{ signer: honest!, roots }, { signer: liar!, roots: lies }] as const;
      let previous = { from: 0, size: length, preState: roots[0]!, states: ends(0, length).map((end) => lies[end]!) };
      await measure(`BisectionGame.open (k = ${k})`, () => game.connect(liar!).open(roundId, 1, previous.states, { value: MOVE }));
      let leaf: { step: number; preState: string; saidEarlier: string; saidLater: string } | undefined;
      for (let mover = 0; leaf === undefined; mover = 1 - mover) {
        const { signer, roots: own } = players[mover]!;
        const part = ends(previous.from, previous.size).findIndex((end, m) => own[end] !== previous.states[m]);
        const bounds = [previous.from, ...ends(previous.from, previous.size)];
        const [from, to] = [bounds[part]!, bounds[part + 1]!];
        const states = ends(from, to - from).map((end) => own[end]!);
        const { move } = await game.games(roundId, 0, 1);
        const answered = move === ZERO_HASH ? (await game.openings(roundId, 1)).move : move;
        const current = previous;
        rounds += 1;
        const name = rounds === 1 ? `BisectionGame.answer (k = ${k}, a game's first)` : to - from > 1 ? `BisectionGame.answer (k = ${k})` : `BisectionGame.answer (k = ${k}, names the leaf)`;
        await measure(name, () => game.connect(signer).answer(roundId, 0, 1, answered, current, part, states, { value: MOVE }));
        const preState = part === 0 ? current.preState : current.states[part - 1]!;
        if (to - from === 1) leaf = { step: from, preState, saidEarlier: mover === 0 ? states[0]! : current.states[part]!, saidLater: mover === 1 ? states[0]! : current.states[part]! };
        previous = { from, size: to - from, preState, states };
      }
      const proven = leaf;
      await measure(`BisectionGame.prove (k = ${k}, a step over garbage)`, () => game.prove(roundId, 0, 1, proven, scene.steps[proven.step]!.proof as unknown as StepProofStruct));
      await measure(`BisectionGame.settle (k = ${k})`, () => game.settle(roundId, 0, 1));
      await measure(`BisectionGame.settleOpening (k = ${k})`, () => game.settleOpening(roundId, 1));
      figures[`a dispute over ${length} steps (k = ${k}): moves`] = rounds + 1;
      figures[`a dispute over ${length} steps (k = ${k}): gas of all of it`] = total;
      if (k === 2) {
        time = Number((await settlement.rounds(parent)).openedAt) + DISPUTE.windowSeconds + DISPUTE.joinSeconds;
        const claimId = await settlement.claimIdOf(parent, 1, 0, roots[length]!);
        await measure("Settlement.confirm", () => settlement.confirm(claimId));
        await measure("Settlement.release", () => settlement.release(roundId, 0));
        await measure("Settlement.withdrawCredit", () => settlement.connect(honest!).withdrawCredit(honest!.address));
      }
    } finally {
      await scene.connection.close();
    }
  }
  return figures;
}
