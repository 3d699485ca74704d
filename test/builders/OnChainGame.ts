import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionResponse, Overrides } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import { applyMove, decideMove, openGame, segmentPoints } from "../../core/dispute/index.ts";
import type { Game, RecordedStep, Side, TraceOracle } from "../../core/dispute/index.ts";
import type { LeafStruct, PositionStruct, StepProofStruct } from "../../typechain-types/root/BisectionGame.ts";
import type { Table } from "./disputeChain.ts";

/** One entry of a round and the trace that its backer plays by. */
export interface Player {
  readonly n: number;
  readonly signer: HardhatEthersSigner;
  readonly oracle: TraceOracle;
}

/** States at the ends of the parts of a range, its end included. */
export function statesOf(oracle: TraceOracle, from: number, to: number, k: number): string[] {
  return oracle.rootsAt([...segmentPoints(from, to, k), to]).map(toHex);
}

/** A game between two entries on the real contracts, both of which play by their traces; move by move, so that many can be played at once. */
export class OnChainGame {
  readonly table: Table;
  readonly roundId: string;
  readonly players: Readonly<Record<Side, Player>>;
  #game: Game;
  #position: PositionStruct;
  #leaf: LeafStruct | undefined;

  /** The later one's opening is on the chain, or about to be. */
  constructor(table: Table, roundId: string, players: Readonly<Record<Side, Player>>) {
    [this.table, this.roundId, this.players] = [table, roundId, players];
    const { earlier, later } = players;
    const { length } = later.oracle;
    const endOf = ({ oracle }: Player): Uint8Array => oracle.rootsAt([length])[0]!;
    const preRoot = later.oracle.rootsAt([0])[0]!;
    const game = openGame({ k: table.k, length }, preRoot, { earlier: endOf(earlier), later: endOf(later) });
    const opening = decideMove(game, "later", later.oracle);
    if (opening?.type !== "opening") throw new Error("a game begins with an opening");
    this.#game = applyMove(game, opening);
    this.#position = { from: 0, size: length, preState: toHex(preRoot), states: statesOf(later.oracle, 0, length, table.k) };
  }

  get toMove(): Side {
    return this.#game.toMove;
  }

  get game(): Game {
    return this.#game;
  }

  /** The step that is left; undefined while there are more. */
  get leaf(): LeafStruct | undefined {
    return this.#leaf;
  }

  /** The next answer, by whose turn it is; what it answers must be mined. */
  async answer(overrides: Overrides & { value: bigint }): Promise<ContractTransactionResponse> {
    const { game: contract } = this.table;
    const { earlier, later } = this.players;
    const side = this.#game.toMove;
    const move = decideMove(this.#game, side, this.players[side].oracle);
    if (move?.type !== "answer") throw new Error(`${side} does not answer in phase ${this.#game.phase}`);
    const { move: last, since } = await contract.games(this.roundId, earlier.n, later.n);
    const previousMove = since === 0n ? (await contract.openings(this.roundId, later.n)).move : last;
    const states = move.roots.map(toHex);
    const position = this.#position;
    this.#game = applyMove(this.#game, move);
    const { lo, hi, loRoot } = this.#game;
    this.#position = { from: lo, size: hi - lo, preState: toHex(loRoot), states };
    if (this.#game.phase === "proof") {
      const [own, denied] = [toHex(this.#game.said[0]!), toHex(this.#game.ownRoot)];
      this.#leaf = { step: lo, preState: toHex(loRoot), saidEarlier: side === "earlier" ? own : denied, saidLater: side === "later" ? own : denied };
    }
    return await contract.connect(this.players[side].signer).answer(this.roundId, earlier.n, later.n, previousMove, position, move.segment, states, overrides);
  }

  /** Proves the step that is left, as anybody. */
  async prove({ proof }: RecordedStep, signer: HardhatEthersSigner, overrides: Overrides): Promise<ContractTransactionResponse> {
    if (this.#leaf === undefined) throw new Error("more than one step is left");
    const { earlier, later } = this.players;
    return await this.table.game.connect(signer).prove(this.roundId, earlier.n, later.n, this.#leaf, proof as unknown as StepProofStruct, overrides);
  }

  /** The same call without a transaction: what a forged proof is answered with. */
  async tryProof({ proof }: RecordedStep, signer: HardhatEthersSigner): Promise<"taken" | { readonly reverted: string }> {
    const { earlier, later } = this.players;
    const call = this.table.game.connect(signer).prove.staticCall(this.roundId, earlier.n, later.n, this.#leaf!, proof as unknown as StepProofStruct);
    return await call.then(() => "taken" as const, (error: unknown) => ({ reverted: String(error) }));
  }
}
