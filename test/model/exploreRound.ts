import { confirmable, held, honestMustAct, keyOf, initialState, liveClaims, movesOf } from "./RoundModel.ts";
import type { ModelTimes, Move, RoundState } from "./RoundModel.ts";

export interface Exploration {
  readonly states: number;
  readonly moves: number;
  /** Rounds that ended in each claim being confirmed. */
  readonly confirmed: readonly number[];
  /** States in which all claims had fallen for good. */
  readonly allFell: number;
  /** The latest slot in which a dispute was over. */
  readonly latestEnd: number;
}

/**
 * Who plays for the true claim. `backs`: the honest party backs it itself as soon as a rival might live. `trusts`: it does not where
 * somebody else backs it already. `absent`: nobody.
 */
export type HonestPolicy = "backs" | "trusts" | "absent";

/** The slot by which every dispute must be over. */
export function disputeBound(times: ModelTimes): number {
  return times.window + times.join + 2 * (times.clock + times.increment);
}

/**
 * Visits every reachable state once. Throws at the first one that breaks a promise.
 * @param maxEntries of everybody together, at most 4
 */
export function exploreRound(times: ModelTimes, policy: HonestPolicy, maxEntries = 4): Exploration {
  const bound = disputeBound(times);
  const withHonest = policy !== "absent";
  const seen = new Set<string>();
  const stack: RoundState[] = [initialState()];
  const confirmed = [0, 0, 0];
  let [moves, allFell, latestEnd] = [0, 0, 0];

  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const found = movesOf(state, times, withHonest, maxEntries);
    for (const move of found) {
      moves += 1;
      checkFlow(state, move);
      push(move.next);
    }
    const winner = confirmable(state, times);
    if (winner >= 0) {
      if (withHonest && winner !== 0) throw new Error(`a false claim can be confirmed: ${JSON.stringify(state)}`);
      confirmed[winner] += 1;
      latestEnd = Math.max(latestEnd, state.time);
    }
    const fell = state.made !== 0 && liveClaims(state) === 0 && state.time >= times.window + times.join;
    if (fell) {
      if (withHonest) throw new Error(`the true claim fell: ${JSON.stringify(state)}`);
      allFell += 1;
    }
    if (state.made === 0 || winner >= 0 || fell) continue;
    const trusting = policy === "trusts" && (liveClaims(state) & 1) !== 0 && !state.entries.some((entry) => entry.honest);
    if (withHonest && !trusting && honestMustAct(state, times, bound)) {
      if (!found.some((move) => move.honest)) throw new Error(`nothing to do for who must act: ${JSON.stringify(state)}`);
      continue;
    }
    if (state.time < bound) push({ ...state, time: state.time + 1 });
    else if (policy === "backs") throw new Error(`not over by the bound: ${JSON.stringify(state)}`);
    else if (found.length === 0) throw new Error(`no way forward: ${JSON.stringify(state)}`);
  }
  return { states: seen.size, moves, confirmed, allFell, latestEnd };

  function push(state: RoundState): void {
    const key = keyOf(state);
    if (seen.has(key)) return;
    seen.add(key);
    stack.push(state);
  }
}

/** Money is conserved, and whoever loses makes some of it disappear. */
function checkFlow(before: RoundState, { name, next, flow }: Move): void {
  const out = flow.credits.reduce((sum, credit) => sum + credit, 0) + flow.burned;
  if (held(next) !== held(before) + flow.paidIn - out) throw new Error(`money is not conserved by "${name}"`);
  if (flow.burned < 0 || flow.credits.some((credit) => credit < 0)) throw new Error(`negative amount in "${name}"`);
  if (flow.eliminated.length > 0 && flow.burned === 0) throw new Error(`"${name}" costs its actor nothing`);
  if (flow.eliminated.some((n) => before.entries[n].honest)) throw new Error(`the honest entry lost by "${name}"`);
  for (const [n, entry] of before.entries.entries()) {
    if (entry.live && !next.entries[n].live && !flow.eliminated.includes(n)) throw new Error(`"${name}" hurts a bystander`);
  }
}
