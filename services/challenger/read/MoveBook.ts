import { Interface } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { bisectionGameAbi } from "../../../chain/generated/abi/BisectionGame.ts";
import { readLogs } from "../../../chain/readLogs.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import type { Leaf, Position } from "../../../core/dispute/index.ts";

const game = new Interface(bisectionGameAbi);
const TOPICS = ["Opened", "Answered", "LeafNamed"].map((name) => game.getEvent(name)!.topicHash);

/** What moves of one round said, by the hash that the contract holds. */
interface RoundMoves {
  readonly positions: Map<string, Position>;
  readonly leaves: Map<string, Leaf>;
  /** The states of openings; range and first state are the epoch's. */
  readonly openings: Map<string, readonly Uint8Array[]>;
  readTo: number;
}

/** Whose moves are kept. */
export interface MovesWanted {
  readonly roundId: string;
  /** Of all blocks before it none is about the round. */
  readonly fromBlock: number;
  readonly toBlock: number;
  /** Entries whose games are ours. */
  readonly ours: ReadonlySet<number>;
}

/**
 * The moves of our games, from events. Each is found by the hash that the contract has of it, so that one that was missed is only not
 * there, and one that a reorganisation took away is never asked for. After a miss everything is read again.
 */
export class MoveBook {
  readonly #provider: JsonRpcApiProvider;
  readonly #game: string;
  readonly #rounds = new Map<string, RoundMoves>();

  constructor(provider: JsonRpcApiProvider, gameAddress: string) {
    this.#provider = provider;
    this.#game = gameAddress;
  }

  openingOf(roundId: string, move: string): readonly Uint8Array[] | undefined {
    return this.#rounds.get(roundId)?.openings.get(move);
  }

  positionOf(roundId: string, move: string): Position | undefined {
    return this.#rounds.get(roundId)?.positions.get(move);
  }

  leafOf(roundId: string, move: string): Leaf | undefined {
    return this.#rounds.get(roundId)?.leaves.get(move);
  }

  has(roundId: string, move: string): boolean {
    const round = this.#rounds.get(roundId);
    return round !== undefined && (round.openings.has(move) || round.positions.has(move) || round.leaves.has(move));
  }

  /** Reads what is new, and once more everything if one of `moves` is not found. */
  async read(wanted: MovesWanted, moves: readonly string[]): Promise<void> {
    const { roundId, fromBlock, toBlock } = wanted;
    if (moves.every((move) => this.has(roundId, move))) return;
    const known = this.#rounds.get(roundId);
    if (known !== undefined) await this.#readRange(wanted, Math.min(known.readTo + 1, toBlock), known);
    if (known !== undefined && moves.every((move) => this.has(roundId, move))) return;
    const fresh: RoundMoves = { positions: new Map(), leaves: new Map(), openings: new Map(), readTo: 0 };
    this.#rounds.set(roundId, fresh);
    await this.#readRange(wanted, fromBlock, fresh);
  }

  /** Forgets the other rounds. */
  keepOnly(roundIds: ReadonlySet<string>): void {
    for (const roundId of this.#rounds.keys()) if (!roundIds.has(roundId)) this.#rounds.delete(roundId);
  }

  async #readRange({ roundId, toBlock, ours }: MovesWanted, fromBlock: number, round: RoundMoves): Promise<void> {
    const logs = await readLogs(this.#provider, { fromBlock, toBlock, address: this.#game, topics: [TOPICS, roundId] });
    for (const raw of logs) {
      const log = game.parseLog({ topics: [...raw.topics], data: raw.data });
      if (log === null) continue;
      const { args } = log;
      const move = String(args["move"]);
      if (log.name === "Opened") {
        round.openings.set(move, (args["states"] as string[]).map((state) => fromHex(state)));
        continue;
      }
      if (!ours.has(Number(args["i"])) && !ours.has(Number(args["j"]))) continue;
      const preState = fromHex(String(args["preState"]));
      if (log.name === "LeafNamed") {
        round.leaves.set(move, { step: Number(args["step"]), preState, saidEarlier: fromHex(String(args["saidEarlier"])), saidLater: fromHex(String(args["saidLater"])) });
      } else {
        const states = (args["states"] as string[]).map((state) => fromHex(state));
        round.positions.set(move, { from: Number(args["from"]), size: Number(args["size"]), preState, states });
      }
    }
    round.readTo = toBlock;
  }
}
