import type { EngagementView, Measure, ProberAction, ProberAlarm, ProberPolicy, ProberState, Secret } from "./ProberState.ts";

const FULL_BPS = 10_000;

/** When a period is over, and when its phases are. */
export function timesOf({ begunAt, periodSeconds, commitSeconds, revealSeconds }: Pick<EngagementView, "begunAt" | "periodSeconds" | "commitSeconds" | "revealSeconds">, period: number): { readonly end: number; readonly commitUntil: number; readonly revealUntil: number } {
  const end = begunAt + (period + 1) * periodSeconds;
  return { end, commitUntil: end + commitSeconds, revealUntil: end + commitSeconds + revealSeconds };
}

/** The period that can be committed to at a time; undefined between the phases and before the first. */
export function committablePeriod(view: Pick<EngagementView, "begunAt" | "periodSeconds" | "commitSeconds" | "revealSeconds">, now: number): number | undefined {
  const period = Math.floor((now - view.begunAt) / view.periodSeconds) - 1;
  return period >= 0 && now < timesOf(view, period).commitUntil ? period : undefined;
}

/** The share of samples that were well, rounded down. */
export function uptimeOf({ ok, total }: Measure): number {
  return total === 0 ? 0 : Math.floor((ok * FULL_BPS) / total);
}

function alarm(code: ProberAlarm["code"], detail: string): ProberAlarm {
  return { type: "alarm", code, detail };
}

/**
 * What to do now: reveal what was committed, commit to what was measured, tally what nobody tallied, publish what was asked for. Pure; what
 * the chain has already is not asked for again.
 */
export function decide(state: ProberState, policy: ProberPolicy): ProberAction[] {
  if (state.isNew && policy.stakeWei > 0n && !policy.isLeaving) return [{ type: "join", valueWei: policy.stakeWei, deadline: Infinity }];
  let freeWei = state.stakeWei - state.lockedWei;
  const actions: ProberAction[] = [];
  for (const view of state.engagements) {
    actions.push(...decideReveals(view, state.now));
    const commit = decideCommit(view, state.now, policy);
    if (commit?.type === "commit") {
      if (state.payableAt !== undefined || policy.isLeaving) continue;
      if (freeWei < state.penaltyWei) actions.push(alarm("prober/no-stake", `The free stake of ${freeWei} wei does not cover a penalty of ${state.penaltyWei} wei: nothing is attested for ${view.key}`));
      else {
        freeWei -= state.penaltyWei;
        actions.push(commit);
      }
    } else if (commit !== undefined) actions.push(commit);
  }
  for (const view of state.engagements) actions.push(...decideTally(view, state.now, policy), ...decidePublish(view));
  return [...actions, ...decideLeave(state, policy)];
}

/** What is committed to is still revealed, and nothing is paid before all of it is tallied. */
function decideLeave({ now, stakeWei, lockedWei, payableAt }: ProberState, { isLeaving }: ProberPolicy): ProberAction[] {
  if (!isLeaving || stakeWei === 0n) return [];
  if (payableAt === undefined) return [{ type: "unbond", deadline: Infinity }];
  return now >= payableAt && lockedWei === 0n ? [{ type: "withdrawStake", deadline: Infinity }] : [];
}

function decideReveals(view: EngagementView, now: number): ProberAction[] {
  return [...view.secrets].flatMap(([period, secret]): ProberAction[] => {
    if (view.attestations.get(period) !== "committed") return [];
    const { commitUntil, revealUntil } = timesOf(view, period);
    if (now < commitUntil) return [];
    if (now < revealUntil) return [{ type: "reveal", key: view.key, period, secret, deadline: revealUntil }];
    return [alarm("prober/missed", `Period ${period} of ${view.key} was committed to and not revealed in time: a tenth of the stake is lost`)];
  });
}

function decideCommit(view: EngagementView, now: number, policy: ProberPolicy): ProberAction | undefined {
  const period = committablePeriod(view, now);
  if (!view.isOpen || period === undefined || view.attestations.get(period) !== "none") return undefined;
  const { commitUntil } = timesOf(view, period);
  // What was kept stands: a second value for one period would be a second salt to lose.
  const kept: Secret | undefined = view.secrets.get(period);
  if (kept !== undefined) return { type: "commit", key: view.key, period, uptimeBps: kept.uptimeBps, deadline: commitUntil };
  if (view.url === undefined) return alarm("prober/no-endpoint", `No endpoint is known for ${view.key}`);
  const measure = view.measures.get(period);
  if (measure === undefined) return undefined;
  const wanted = Math.max(1, Math.floor((view.periodSeconds * 1_000) / policy.sampleMs));
  if (measure.total * 100 < wanted * policy.minCoveragePercent) {
    return alarm("prober/thin", `Period ${period} of ${view.key} has ${measure.total} of ${wanted} samples: it is not attested`);
  }
  return { type: "commit", key: view.key, period, uptimeBps: uptimeOf(measure), deadline: commitUntil };
}

function decideTally(view: EngagementView, now: number, { tallyAfterSeconds }: ProberPolicy): ProberAction[] {
  const { oldest } = view;
  if (oldest === undefined || now < timesOf(view, oldest).revealUntil + tallyAfterSeconds * (1 + view.rank)) return [];
  return [{ type: "tally", key: view.key, period: oldest, deadline: Infinity }];
}

function decidePublish(view: EngagementView): ProberAction[] {
  return view.requests.map(({ period, salt }) => ({ type: "publish", key: view.key, period, salt, deadline: Infinity }));
}
