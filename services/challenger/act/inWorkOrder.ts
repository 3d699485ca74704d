import type { DisputeCall } from "../decide/DisputeAction.ts";

type TracedCall = Extract<DisputeCall, { type: "open" | "answer" | "prove" }>;

function isTraced(call: DisputeCall): call is TracedCall {
  return call.type === "open" || call.type === "answer" || call.type === "prove";
}

/**
 * The order in which calls are made ready, from that of their deadlines: first those with a deadline that need no trace, then the
 * moves, epoch by epoch, last what can wait. Executing an epoch takes minutes: done once for each epoch in a turn, liars who
 * alternate between epochs cannot make it once for each move, nor keep a claim waiting behind it.
 */
export function inWorkOrder(calls: readonly DisputeCall[]): DisputeCall[] {
  const moves = new Map<number, TracedCall[]>();
  for (const call of calls) {
    if (!isTraced(call)) continue;
    const ofEpoch = moves.get(call.epoch);
    if (ofEpoch === undefined) moves.set(call.epoch, [call]);
    else ofEpoch.push(call);
  }
  const others = calls.filter((call) => !isTraced(call));
  return [
    ...others.filter(({ deadline }) => deadline !== Infinity),
    ...[...moves.values()].flat(),
    ...others.filter(({ deadline }) => deadline === Infinity),
  ];
}
