import { NonceManager, Wallet } from "ethers";
import type { JsonRpcProvider } from "ethers";

import { connectContracts } from "../../chain/connectContracts.ts";
import type { RootContracts } from "../../chain/connectContracts.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { firstDisagreement, segmentPoints } from "../../core/dispute/index.ts";
import type { TraceOracle } from "../../core/dispute/index.ts";

const MOVE_GAS = 2_000_000n;

/** What a player did in a turn. */
export type PlayedMove =
  | { readonly type: "opened"; readonly from: number; readonly size: number; readonly states: number }
  | { readonly type: "answered"; readonly against: number; readonly from: number; readonly size: number; readonly states: number; readonly isLeaf: boolean };

interface Said {
  readonly move: string;
  readonly from: number;
  readonly size: number;
  readonly preState: string;
  readonly states: readonly string[];
}

/**
 * Backs whatever its trace ends in, true or not, and plays for it against everybody: reads L1 anew in every turn and remembers nothing.
 * It opens and answers; it neither proves nor runs others out of time, which anybody may.
 */
export class TracePlayer {
  readonly contracts: RootContracts;
  readonly roundId: string;
  readonly claimId: string;
  /** Its entry in the round. */
  readonly n: number;
  readonly #oracle: TraceOracle;
  readonly #parent: string;

  private constructor(fields: { contracts: RootContracts; roundId: string; claimId: string; n: number; oracle: TraceOracle; parent: string }) {
    [this.contracts, this.roundId, this.claimId, this.n] = [fields.contracts, fields.roundId, fields.claimId, fields.n];
    [this.#oracle, this.#parent] = [fields.oracle, fields.parent];
  }

  /** Claims the end of the trace on top of `parent`. The key must be nobody else's. */
  static async enter(options: { provider: JsonRpcProvider; deployment: Deployment; key: string; parent: string; epoch: number; oracle: TraceOracle }): Promise<TracePlayer> {
    const { provider, deployment, key, parent, epoch, oracle } = options;
    const wallet = new Wallet(key, provider);
    const contracts = connectContracts(deployment, new NonceManager(wallet));
    const { settlement, inbox } = contracts;
    const [round, accumulator, bond] = await Promise.all([settlement.currentRound(parent), inbox.epochAccumulator(epoch), settlement.bondFor(parent)]);
    const root = toHex(oracle.rootsAt([oracle.length])[0]!);
    const sent = await settlement.claim(parent, round, epoch, root, accumulator, wallet.address, { value: 2n * bond });
    const receipt = await sent.wait();
    const entered = receipt!.logs.map((log) => settlement.interface.parseLog(log)).find((log) => log?.name === "Entered");
    const { roundId, n, claimId } = entered!.args.toObject() as { roundId: string; n: bigint; claimId: string };
    return new TracePlayer({ contracts, roundId, claimId, n: Number(n), oracle, parent });
  }

  async isOut(): Promise<boolean> {
    return (await this.contracts.settlement.entries(this.roundId, this.n)).isDead;
  }

  /** Makes every move that is its turn, once. Calls that revert (the other was faster, L1 went back) are left to the next turn. */
  async turn(): Promise<PlayedMove[]> {
    const { settlement, game } = this.contracts;
    if (await this.isOut()) return [];
    const played: PlayedMove[] = [];
    const count = Number((await settlement.rounds(this.#parent)).entryCount);
    for (let other = 0; other < count; other += 1) {
      const entry = await settlement.entries(this.roundId, other);
      if (other === this.n || entry.isDead || entry.claimId === this.claimId) continue;
      if (other < this.n && (await game.openings(this.roundId, this.n)).openedAt === 0n) played.push(await this.#open());
      const move = await this.#answer(Math.min(other, this.n), Math.max(other, this.n));
      if (move !== undefined) played.push(move);
    }
    return played;
  }

  async #open(): Promise<PlayedMove> {
    const { game } = this.contracts;
    const { length } = this.#oracle;
    const states = this.#states(0, length, Number((await game.config()).k));
    const value = await game.openingBond(this.roundId, this.n);
    await (await game.open(this.roundId, this.n, states, { value: 2n * value, gasLimit: MOVE_GAS })).wait();
    return { type: "opened", from: 0, size: length, states: states.length };
  }

  async #answer(i: number, j: number): Promise<PlayedMove | undefined> {
    const { game } = this.contracts;
    const stored = await game.games(this.roundId, i, j);
    const opening = await game.openings(this.roundId, j);
    if (opening.openedAt === 0n || stored.isLeaf) return undefined;
    const isLaterOnMove = stored.since !== 0n && stored.isLaterOnMove;
    if (isLaterOnMove !== (this.n === j)) return undefined;
    const said = stored.since === 0n ? await this.#openingOf(j) : await this.#lastAnswer(i, j, stored.move);
    if (said === undefined) return undefined;
    const { k, moveBondWei } = await game.config();
    const ends = [...segmentPoints(said.from, said.from + said.size, Number(k)), said.from + said.size];
    const part = firstDisagreement(this.#oracle.rootsAt(ends), said.states.map((state) => fromHex(state)));
    if (part < 0) return undefined;
    const [from, to] = [part === 0 ? said.from : ends[part - 1]!, ends[part]!];
    const states = this.#states(from, to, Number(k));
    const { from: start, size, preState } = said;
    await (await game.answer(this.roundId, i, j, said.move, { from: start, size, preState, states: [...said.states] }, part, states, { value: moveBondWei, gasLimit: MOVE_GAS })).wait();
    return { type: "answered", against: this.n === j ? i : j, from, size: to - from, states: states.length, isLeaf: to - from === 1 };
  }

  #states(from: number, to: number, k: number): string[] {
    return this.#oracle.rootsAt([...segmentPoints(from, to, k), to]).map(toHex);
  }

  async #openingOf(j: number): Promise<Said | undefined> {
    const { game } = this.contracts;
    const [event] = (await game.queryFilter(game.filters.Opened(this.roundId, j))).slice(-1);
    if (event === undefined) return undefined;
    const { move, states } = event.args;
    return { move, from: 0, size: this.#oracle.length, preState: toHex(this.#oracle.rootsAt([0])[0]!), states };
  }

  async #lastAnswer(i: number, j: number, move: string): Promise<Said | undefined> {
    const { game } = this.contracts;
    for (const event of (await game.queryFilter(game.filters.Answered(this.roundId, i, j))).reverse()) {
      const said = event.args;
      if (said.move === move) return { move, from: Number(said.from), size: Number(said.size), preState: said.preState, states: said.states };
    }
    return undefined;
  }
}
