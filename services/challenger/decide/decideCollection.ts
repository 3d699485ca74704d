import type { DisputeCall } from "./DisputeAction.ts";
import type { DueMoney } from "./DisputeState.ts";

/**
 * How to fetch what is ours: void parents marked, bonds and pots credited, and when nothing of that is left, the credit in one call.
 * None of it has a deadline.
 */
export function decideCollection({ bonds, games, openings, creditWei }: DueMoney): DisputeCall[] {
  const free = { valueWei: 0n, deadline: Infinity };
  const parents = new Set(bonds.map(({ voidParent }) => voidParent).filter((parent) => parent !== undefined));
  const calls: DisputeCall[] = [
    ...[...parents].map((claimId): DisputeCall => ({ type: "reject", claimId, ...free })),
    ...bonds.filter(({ voidParent }) => voidParent === undefined).map(({ roundId, n }): DisputeCall => ({ type: "release", roundId, n, ...free })),
    ...games.map(({ roundId, i, j }): DisputeCall => ({ type: "settle", roundId, i, j, ...free })),
    ...openings.map(({ roundId, n }): DisputeCall => ({ type: "settleOpening", roundId, n, ...free })),
  ];
  if (calls.length === 0 && creditWei > 0n) calls.push({ type: "withdraw", ...free });
  return calls;
}
