import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

import type { StepProofStruct } from "../../typechain-types/root/BisectionGame.ts";
import type { DisputedEpoch } from "./disputeScene.ts";
import { DISPUTE } from "./disputeScene.ts";

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** What somebody believes: the root after 0, 1, … steps. */
export type Belief = readonly string[] | ((step: number) => string);

/** An entry with its own idea of the trace. */
export interface Player {
  readonly n: number;
  readonly signer: HardhatEthersSigner;
  rootAt(step: number): string;
}

/** Called after every transaction of a table. */
export type Watcher = (call: string, receipt: ContractTransactionReceipt, calldata: string) => void;

/** What an answer answers. */
export interface Said {
  readonly from: number;
  readonly size: number;
  readonly preState: string;
  readonly states: readonly string[];
}

export interface NamedLeaf {
  readonly step: number;
  readonly preState: string;
  readonly saidEarlier: string;
  readonly saidLater: string;
}

/** Ends of the parts of a range. */
export function partEnds(k: number, from: number, size: number): number[] {
  const parts = Math.min(k, size);
  return Array.from({ length: parts }, (_, m) => from + Math.floor((size * (m + 1)) / parts));
}

/** The games of one round, played by the rules with whatever the players believe. Remembers what was said in each. */
export class DisputeTable {
  readonly scene: DisputedEpoch;
  readonly k: number;
  readonly length: number;
  readonly roundId: string;
  watch: Watcher | null = null;
  readonly #said = new Map<string, { said: Said; isLaterOnMove: boolean }>();

  constructor(scene: DisputedEpoch, k: number, roundId: string) {
    [this.scene, this.k, this.roundId] = [scene, k, roundId];
    this.length = scene.length;
  }

  /** Claims the end of its trace, or backs the claim that is there. */
  async enter(signer: HardhatEthersSigner, belief: Belief): Promise<Player> {
    const { settlement, parent, accumulator } = this.scene;
    const rootAt = typeof belief === "function" ? belief : (step: number): string => belief[step]!;
    const { entryCount } = await settlement.rounds(parent);
    const value = await settlement.bondFor(parent);
    await this.#send("claim", settlement.connect(signer).claim(parent, 1, 0, rootAt(this.length), accumulator, signer.address, { value }));
    return { n: Number(entryCount), signer, rootAt };
  }

  statesOf({ rootAt }: Player, from: number, size: number): string[] {
    return partEnds(this.k, from, size).map(rootAt);
  }

  async #send(call: string, sent: Promise<ContractTransactionResponse>): Promise<void> {
    const transaction = await sent;
    this.watch?.(call, (await transaction.wait())!, transaction.data);
  }

  async open(player: Player): Promise<void> {
    const value = await this.scene.game.openingBond(this.roundId, player.n);
    await this.#send("open", this.scene.game.connect(player.signer).open(this.roundId, player.n, this.statesOf(player, 0, this.length), { value }));
  }

  /** The arguments of the next answer in a game: what is answered, by whom, which part, and the mover's own states. */
  async nextAnswer(earlier: Player, later: Player) {
    const { scene, k, length } = this;
    const { said, isLaterOnMove } = this.#said.get(`${earlier.n} ${later.n}`) ?? {
      said: { from: 0, size: length, preState: scene.preState, states: this.statesOf(later, 0, length) },
      isLaterOnMove: false,
    };
    const mover = isLaterOnMove ? later : earlier;
    const points = partEnds(k, said.from, said.size);
    const part = points.findIndex((end, m) => mover.rootAt(end) !== said.states[m]);
    const from = part === 0 ? said.from : points[part - 1]!;
    const size = points[part]! - from;
    const preState = part === 0 ? said.preState : said.states[part - 1]!;
    const { move } = await scene.game.games(this.roundId, earlier.n, later.n);
    const previousMove = move === ZERO_HASH ? (await scene.game.openings(this.roundId, later.n)).move : move;
    const next: Said = { from, size, preState, states: this.statesOf(mover, from, size) };
    return { mover, isLaterOnMove, said, part, previousMove, next };
  }

  /** One answer of the player on move. Answers the leaf if it named one. */
  async answer(earlier: Player, later: Player): Promise<NamedLeaf | null> {
    const { mover, isLaterOnMove, said, part, previousMove, next } = await this.nextAnswer(earlier, later);
    const { game } = this.scene;
    const tuple = { ...said, states: [...said.states] };
    const call = next.size === 1 ? "answer, names the leaf" : said.size === this.length ? "answer, a game's first" : "answer";
    const value = DISPUTE.moveBondWei;
    await this.#send(call, game.connect(mover.signer).answer(this.roundId, earlier.n, later.n, previousMove, tuple, part, [...next.states], { value }));
    this.#said.set(`${earlier.n} ${later.n}`, { said: next, isLaterOnMove: !isLaterOnMove });
    if (next.size > 1) return null;
    const [own, denied] = [next.states[0]!, said.states[part]!];
    return { step: next.from, preState: next.preState, saidEarlier: isLaterOnMove ? denied : own, saidLater: isLaterOnMove ? own : denied };
  }

  /** Plays an opened game until one step is left. */
  async answerToLeaf(earlier: Player, later: Player): Promise<NamedLeaf> {
    for (;;) {
      const leaf = await this.answer(earlier, later);
      if (leaf !== null) return leaf;
    }
  }

  /** The later one opens, and both play until one step is left. */
  async playToLeaf(earlier: Player, later: Player): Promise<NamedLeaf> {
    await this.open(later);
    return await this.answerToLeaf(earlier, later);
  }

  proofOf(step: number): StepProofStruct {
    return this.scene.proofOf(step) as unknown as StepProofStruct;
  }

  /** By the earlier one, as settling is. */
  async prove(earlier: Player, later: Player, leaf: NamedLeaf, proof = this.proofOf(leaf.step)): Promise<void> {
    await this.#send("prove", this.scene.game.connect(earlier.signer).prove(this.roundId, earlier.n, later.n, leaf, proof));
  }

  async settle(earlier: Player, later: Player): Promise<void> {
    await this.#send("settle", this.scene.game.connect(earlier.signer).settle(this.roundId, earlier.n, later.n));
  }

  async settleOpening(player: Player): Promise<void> {
    await this.#send("settleOpening", this.scene.game.settleOpening(this.roundId, player.n));
  }

  /** Takes out who is on move, at its deadline. */
  async timeout(earlier: Player, later: Player): Promise<void> {
    const [, lateAt] = await this.scene.game.deadline(this.roundId, earlier.n, later.n);
    await this.scene.setNextTime(Math.max(Number(lateAt), (await this.scene.now()) + 1));
    await this.#send("timeout", this.scene.game.timeout(this.roundId, earlier.n, later.n));
  }

  async isDead({ n }: Player): Promise<boolean> {
    return (await this.scene.settlement.entries(this.roundId, n)).isDead;
  }

  claimOf(player: Player): Promise<string> {
    return this.scene.settlement.claimIdOf(this.scene.parent, 1, 0, player.rootAt(this.length));
  }

  async openedAt(): Promise<number> {
    return Number((await this.scene.settlement.rounds(this.scene.parent)).openedAt);
  }

  /** Goes to W + D and confirms the claim of this player. */
  async confirm(player: Player): Promise<void> {
    await this.scene.setNextTime(Math.max((await this.openedAt()) + DISPUTE.windowSeconds + DISPUTE.joinSeconds, (await this.scene.now()) + 1));
    await this.#send("confirm", this.scene.settlement.confirm(await this.claimOf(player)));
  }

  /** What the contracts hold, and what of it has an owner: both are the same when all is settled. */
  async balances(): Promise<{ held: bigint; game: bigint; credited: bigint; burned: bigint }> {
    const { settlement, game, connection, signers } = this.scene;
    const { provider } = connection.ethers;
    const credits = await Promise.all(signers.map(({ address }) => settlement.credit(address)));
    return {
      held: await provider.getBalance(await settlement.getAddress()),
      game: await provider.getBalance(await game.getAddress()),
      credited: credits.reduce((sum, credit) => sum + credit, 0n),
      burned: await settlement.burned(),
    };
  }
}
