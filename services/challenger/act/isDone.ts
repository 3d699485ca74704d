import type { RootContracts } from "../../../chain/connectContracts.ts";
import { purposeOf } from "./intentIds.ts";

/** Whether the effect of an intent is there, whoever brought it about. */
export async function isDone(intentId: string, { settlement, game }: Pick<RootContracts, "settlement" | "game">, address: string, hasEntry: (claimId: string) => boolean): Promise<boolean> {
  const purpose = purposeOf(intentId);
  switch (purpose?.type) {
    case undefined:
      return false;
    case "enter":
      return hasEntry(purpose.claimId);
    case "confirm":
      return (await settlement.claims(purpose.claimId)).confirmedAt > 0n;
    case "reject":
      return (await settlement.claims(purpose.claimId)).isVoid;
    case "open":
      return (await game.openings(purpose.roundId, purpose.n)).openedAt > 0n;
    case "release":
      return (await settlement.entries(purpose.roundId, purpose.n)).bondWei === 0n;
    case "settleOpening":
      return (await game.openings(purpose.roundId, purpose.n)).isSettled;
    case "answer": {
      const { since, move } = await game.games(purpose.roundId, purpose.i, purpose.j);
      return since > 0n && move !== purpose.move;
    }
    case "settle":
      return (await game.games(purpose.roundId, purpose.i, purpose.j)).isSettled;
    case "prove":
    case "timeout": {
      const players = await Promise.all([settlement.entries(purpose.roundId, purpose.i), settlement.entries(purpose.roundId, purpose.j)]);
      return players.some((entry) => entry.isDead);
    }
    case "withdraw":
      return (await settlement.credit(address)) === 0n;
  }
}
