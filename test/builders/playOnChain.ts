import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ZeroHash } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import { applyMove, decideMove, openGame, segmentPoints } from "../../core/dispute/index.ts";
import type { Game, RecordedStep, Side, TraceOracle } from "../../core/dispute/index.ts";
import type { LeafStruct, PositionStruct, StepProofStruct } from "../../typechain-types/root/BisectionGame.ts";
import type { Table } from "./disputeChain.ts";

/** No move costs nearly as much; said beforehand, so that nobody has to estimate. */
export const MOVE_GAS = 6_000_000n;

/** One entry of a round and the trace that its backer plays by. */
export interface Player {
  readonly n: number;
  readonly signer: HardhatEthersSigner;
  readonly oracle: TraceOracle;
}

export interface PlayedToLeaf {
  readonly leaf: LeafStruct;
  /** The opening and the answers. */
  readonly moves: number;
  readonly game: Game;
}

export interface PlayOptions {
  readonly table: Table;
  readonly roundId: string;
  readonly players: Readonly<Record<Side, Player>>;
  /** Called before each move but the later one's opening that was made already. */
  readonly beforeMove?: (side: Side) => Promise<void>;
  /** The later one's opening is on the chain already. */
  readonly isOpened?: boolean;
}

/** Claims what its trace ends in, as the next entry of the parent's round. */
export async function enterClaim(table: Table, parent: string, epoch: number, accumulator: string, signer: HardhatEthersSigner, oracle: TraceOracle): Promise<Player> {
  const { settlement } = table;
  const round = await settlement.currentRound(parent);
  const { number, entryCount } = await settlement.rounds(parent);
  const root = toHex(oracle.rootsAt([oracle.length])[0]!);
  await settlement.connect(signer).claim(parent, round, epoch, root, accumulator, signer.address, { value: await settlement.bondFor(parent), gasLimit: MOVE_GAS });
  return { n: number === round ? Number(entryCount) : 0, signer, oracle };
}

/** States at the ends of the parts of a range, its end included. */
export function statesOf(oracle: TraceOracle, from: number, to: number, k: number): string[] {
  return oracle.rootsAt([...segmentPoints(from, to, k), to]).map(toHex);
}

/** Posts the one opening that an entry needs. Answers its states. */
export async function openOnChain({ game, k }: Table, roundId: string, player: Player, bondWei: bigint): Promise<void> {
  const states = statesOf(player.oracle, 0, player.oracle.length, k);
  await game.connect(player.signer).open(roundId, player.n, states, { value: bondWei, gasLimit: MOVE_GAS });
}

/** Both sides play by their traces until one step is left, each move on the real contracts. */
export async function playToLeaf(options: PlayOptions, moveBondWei: bigint): Promise<PlayedToLeaf> {
  const { table, roundId, players, beforeMove = async () => {} } = options;
  const { game: contract, k } = table;
  const { earlier, later } = players;
  const { length } = later.oracle;
  const endOf = ({ oracle }: Player): Uint8Array => oracle.rootsAt([length])[0]!;
  const [preRoot] = later.oracle.rootsAt([0]);
  let game = openGame({ k, length }, preRoot!, { earlier: endOf(earlier), later: endOf(later) });
  let position: PositionStruct | undefined;
  let previousMove = ZeroHash;
  let moves = 0;
  for (;;) {
    const side = game.toMove;
    const player = players[side];
    const move = decideMove(game, side, player.oracle);
    if (move === null || move.type === "proof") throw new Error(`${side} does not move in phase ${game.phase}`);
    game = applyMove(game, move);
    if (move.type === "opening") {
      if (options.isOpened !== true) {
        await beforeMove(side);
        await openOnChain(table, roundId, player, moveBondWei);
        moves += 1;
      }
      previousMove = (await contract.openings(roundId, later.n)).move;
      position = { from: 0, size: length, preState: toHex(preRoot!), states: statesOf(player.oracle, 0, length, k) };
      continue;
    }
    const states = move.roots.map(toHex);
    await beforeMove(side);
    await contract.connect(player.signer).answer(roundId, earlier.n, later.n, previousMove, position!, move.segment, states, { value: moveBondWei, gasLimit: MOVE_GAS });
    moves += 1;
    if (game.phase === "proof") {
      const [own, denied] = [toHex(game.said[0]!), toHex(game.ownRoot)];
      const leaf = { step: game.lo, preState: toHex(game.loRoot), saidEarlier: side === "earlier" ? own : denied, saidLater: side === "later" ? own : denied };
      return { leaf, moves, game };
    }
    previousMove = (await contract.games(roundId, earlier.n, later.n)).move;
    position = { from: game.lo, size: game.hi - game.lo, preState: toHex(game.loRoot), states };
  }
}

/** Proves the step that is left, as anybody. */
export async function proveOnChain(table: Table, roundId: string, { earlier, later }: Readonly<Record<Side, Player>>, leaf: LeafStruct, { proof }: RecordedStep, signer: HardhatEthersSigner): Promise<void> {
  await table.game.connect(signer).prove(roundId, earlier.n, later.n, leaf, proof as unknown as StepProofStruct, { gasLimit: MOVE_GAS });
}
