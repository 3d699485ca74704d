import { decideEntry } from "./decideEntry.ts";
import { decideGames } from "./decideGames.ts";
import type { DisputeAction, DisputeCall } from "./DisputeAction.ts";
import type { DisputePolicy } from "./DisputePolicy.ts";
import type { DisputeState, EpochView } from "./DisputeState.ts";

/**
 * Everything to do about claims and games now: pure. The epochs are a chain of true claims; each is played for at the same time as
 * those before it. Calls come in the order of their deadlines; those that the balance does not cover are left out, with an alarm.
 */
export function decide(state: DisputeState, policy: DisputePolicy): DisputeAction[] {
  const { confirmed, now, rules } = state;
  if (confirmed.ownRoot !== undefined && confirmed.ownRoot !== confirmed.root) {
    const values = { epoch: confirmed.nextEpoch - 1, claimId: confirmed.claimId, expected: confirmed.ownRoot, actual: confirmed.root };
    return [{ type: "alarm", alarm: { code: "challenger/false-confirmed", detail: "A root that is not ours is confirmed: nobody honest played in time, or this program is wrong", values } }];
  }
  const actions = state.epochs.flatMap((view, at) => [
    ...decideEntry(view, now, rules, policy),
    ...decideGames(view, now, rules, policy),
    ...(at === 0 ? decideConfirmation(view, state, policy) : []),
  ]);
  const alarms = [...(state.cutAt === undefined ? [] : [cutOff(state.cutAt, state.epochs.length)]), ...actions.filter((action) => action.type === "alarm")];
  const calls = actions.filter((action) => action.type !== "alarm").sort((a, b) => a.deadline - b.deadline);
  return [...alarms, ...affordable(calls, state, policy)];
}

function cutOff(epoch: number, maxEpochs: number): DisputeAction {
  const detail = `Only ${maxEpochs} unconfirmed epochs are played for, and epoch ${epoch} is closed already: a lie about it is not seen`;
  return { type: "alarm", alarm: { code: "challenger/epoch-limit", detail, values: { epoch, maxEpochs } } };
}

function decideConfirmation(view: EpochView, { now, rules }: DisputeState, policy: DisputePolicy): DisputeAction[] {
  const { epoch, claimId, round } = view;
  if (round.openedAt === undefined || round.liveClaims !== 1) return [];
  if (!round.entries.some((entry) => !entry.isDead && entry.claimId === claimId)) return [];
  const overAt = round.openedAt + rules.windowSeconds + (round.claimCount > 1 ? rules.joinSeconds : 0);
  return now >= overAt + policy.marginSeconds ? [{ type: "confirm", epoch, claimId, valueWei: 0n, deadline: Infinity }] : [];
}

/** The calls that can be paid together, the most urgent ones first. */
function affordable(calls: readonly DisputeCall[], { balanceWei }: DisputeState, { minBalanceWei }: DisputePolicy): DisputeAction[] {
  let leftWei = balanceWei;
  let missingWei = 0n;
  const paid: DisputeAction[] = [];
  for (const call of calls) {
    if (call.valueWei > leftWei) {
      missingWei += call.valueWei;
      continue;
    }
    leftWei -= call.valueWei;
    paid.push(call);
  }
  if (missingWei === 0n && balanceWei >= minBalanceWei) return paid;
  const detail = missingWei > 0n ? "The balance does not cover the bonds of all calls that are due" : "The balance is below the limit";
  return [{ type: "alarm", alarm: { code: "challenger/low-balance", detail, values: { balanceWei, missingWei, minBalanceWei } } }, ...paid];
}
