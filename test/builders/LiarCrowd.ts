import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { fromHex, toHex } from "../../core/codec/index.ts";
import { decideAnswer } from "../../core/dispute/index.ts";
import type { TraceOracle } from "../../core/dispute/index.ts";
import type { DisputeChain, Table } from "./disputeChain.ts";
import { mined } from "./mined.ts";
import { enterClaim, MOVE_GAS, openOnChain } from "./playOnChain.ts";
import type { Player } from "./OnChainGame.ts";

/** What was said last in a game, and by which move. */
interface Said {
  readonly move: string;
  readonly from: number;
  readonly size: number;
  readonly preState: string;
  readonly states: readonly string[];
}

/** Liars, each with a claim of its own, that play by their traces against one honest account, and leave one another alone. */
export class LiarCrowd {
  readonly liars: Player[] = [];
  /** By entry: the step that was left when all others were agreed upon. */
  readonly leaves = new Map<number, number>();
  readonly roundId: string;
  readonly #chain: DisputeChain;
  readonly #table: Table;
  readonly #parent: string;
  readonly #accumulator: string;
  readonly #honest: string;
  readonly #own = new Set<string>();
  #from = 0;
  #honestEntry: number | undefined;

  constructor(options: { chain: DisputeChain; table: Table; parent: string; roundId: string; accumulator: string; honest: string }) {
    [this.#chain, this.#table, this.#parent, this.roundId] = [options.chain, options.table, options.parent, options.roundId];
    [this.#accumulator, this.#honest] = [options.accumulator, options.honest];
  }

  async enter(signer: HardhatEthersSigner, oracle: TraceOracle): Promise<void> {
    this.liars.push(await enterClaim(this.#table, this.#parent, 1, this.#accumulator, signer, oracle));
  }

  async livingCount(): Promise<number> {
    let living = 0;
    for (const { n } of this.liars) if (!(await this.#table.settlement.entries(this.roundId, n)).isDead) living += 1;
    return living;
  }

  /** Opens and answers wherever the honest account is waited for no more; false if there was nothing to do. */
  async turn(): Promise<boolean> {
    const { settlement, game } = this.#table;
    const latest = await this.#chain.connection.ethers.provider.getBlockNumber();
    const from = this.#from;
    if (latest < from) return false;
    this.#from = latest + 1;
    const at = [from, latest] as const;
    for (const { args } of await settlement.queryFilter(settlement.filters.Entered(this.roundId), ...at)) {
      if (args.backer === this.#honest) this.#honestEntry = Number(args.n);
    }
    const honest = this.#honestEntry;
    if (honest === undefined) return false;
    let moves = 0;
    for (const liar of this.liars) {
      if (liar.n < honest || (await game.openings(this.roundId, liar.n)).openedAt !== 0n) continue;
      await openOnChain(this.#table, this.roundId, liar);
      moves += 1;
    }
    for (const { args } of await game.queryFilter(game.filters.Opened(this.roundId, honest), ...at)) {
      const said = { move: args.move, from: 0, size: this.liars[0]!.oracle.length, preState: toHex(this.liars[0]!.oracle.rootsAt([0])[0]!), states: args.states };
      for (const liar of this.liars) if (liar.n < honest) moves += await this.#answer(liar, honest, said);
    }
    for (const { args } of await game.queryFilter(game.filters.Answered(this.roundId), ...at)) {
      if (this.#own.has(args.move)) continue;
      const liar = this.liars.find(({ n }) => n === Number(args.i) || n === Number(args.j));
      const said = { move: args.move, from: Number(args.from), size: Number(args.size), preState: args.preState, states: args.states };
      if (liar !== undefined) moves += await this.#answer(liar, honest, said);
    }
    for (const { args } of await game.queryFilter(game.filters.LeafNamed(this.roundId), ...at)) {
      const liar = this.liars.find(({ n }) => n === Number(args.i) || n === Number(args.j));
      if (liar !== undefined) this.leaves.set(liar.n, Number(args.step));
    }
    return moves > 0;
  }

  async #answer({ n, signer, oracle }: Player, honest: number, { move, from, size, preState, states }: Said): Promise<number> {
    const { settlement, game, k } = this.#table;
    if ((await settlement.entries(this.roundId, n)).isDead) return 0;
    const [i, j] = [Math.min(n, honest), Math.max(n, honest)];
    const answer = decideAnswer({ from, size, preState: fromHex(preState), states: states.map((state) => fromHex(state)) }, oracle, k);
    const { moveBondWei } = this.#chain.terms;
    const position = { from, size, preState, states: [...states] };
    await mined(game.connect(signer).answer(this.roundId, i, j, move, position, answer.part, answer.states.map(toHex), { value: moveBondWei, gasLimit: MOVE_GAS }));
    this.#own.add((await game.games(this.roundId, i, j)).move);
    return 1;
  }
}
