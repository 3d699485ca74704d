import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { toHex } from "../../core/codec/index.ts";
import type { Side, TraceOracle } from "../../core/dispute/index.ts";
import type { Table } from "./disputeChain.ts";
import { OnChainGame, statesOf } from "./OnChainGame.ts";
import type { Player } from "./OnChainGame.ts";
import { mined } from "./mined.ts";

/** No move costs nearly as much; said beforehand, so that nobody has to estimate. */
export const MOVE_GAS = 6_000_000n;

/** Claims what its trace ends in, as the next entry of the parent's round. */
export async function enterClaim(table: Table, parent: string, epoch: number, accumulator: string, signer: HardhatEthersSigner, oracle: TraceOracle): Promise<Player> {
  const { settlement } = table;
  const round = await settlement.currentRound(parent);
  const { number, entryCount } = await settlement.rounds(parent);
  const root = toHex(oracle.rootsAt([oracle.length])[0]!);
  await mined(settlement.connect(signer).claim(parent, round, epoch, root, accumulator, signer.address, { value: await settlement.bondFor(parent), gasLimit: MOVE_GAS }));
  return { n: number === round ? Number(entryCount) : 0, signer, oracle };
}

/** Posts the one opening that an entry needs, with what it has to post. */
export async function openOnChain({ game, k }: Table, roundId: string, { n, signer, oracle }: Player): Promise<void> {
  await mined(game.connect(signer).open(roundId, n, statesOf(oracle, 0, oracle.length, k), { value: await game.openingBond(roundId, n), gasLimit: MOVE_GAS }));
}

export interface PlayOptions {
  readonly table: Table;
  readonly roundId: string;
  readonly players: Readonly<Record<Side, Player>>;
  readonly moveBondWei: bigint;
  readonly beforeMove?: (side: Side) => Promise<void>;
}

/** Both sides play by their traces until one step is left. Answers the game and the calls made: the opening and the answers. */
export async function playToLeaf({ table, roundId, players, moveBondWei, beforeMove = async () => {} }: PlayOptions): Promise<{ game: OnChainGame; moves: number }> {
  const { openedAt } = await table.game.openings(roundId, players.later.n);
  let moves = 0;
  if (openedAt === 0n) {
    await beforeMove("later");
    await openOnChain(table, roundId, players.later);
    moves += 1;
  }
  const game = new OnChainGame(table, roundId, players);
  for (; game.leaf === undefined; moves += 1) {
    await beforeMove(game.toMove);
    await mined(game.answer({ value: moveBondWei, gasLimit: MOVE_GAS }));
  }
  return { game, moves };
}
