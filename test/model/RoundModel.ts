import { entryBond, shareBond } from "./bondModel.ts";

/**
 * One round of rival claims, small enough to visit every state. The trace has two steps, 0 → 1 → 2; a false midpoint leads on
 * honestly to a false end. Claim 0 is true, 1 and 2 are false. Times are slots; within a slot calls come in any order.
 * Entries are told apart by their order only, so the same adversary is behind all but the honest one.
 */
export interface ModelTimes {
  readonly window: number;
  readonly join: number;
  /** Slots until a player's first move in a game is late. */
  readonly clock: number;
  /** Slots that every move of a player adds to its clock. */
  readonly increment: number;
}

export interface Entry {
  readonly claim: number;
  readonly honest: boolean;
  readonly at: number;
  readonly live: boolean;
  /** Midpoint of the opening, 0 while there is none. */
  readonly opening: number;
  readonly openedAt: number;
  /** Move bonds that the opening posted: one for each live rival. */
  readonly pot: number;
}

/** The answer of the earlier entry to the opening of the later one. */
export interface Answer {
  readonly segment: number;
  readonly state: number;
  readonly at: number;
}

export interface RoundState {
  readonly time: number;
  /** Bit c: claim c was made. */
  readonly made: number;
  readonly entries: readonly Entry[];
  /** Index earlier * 4 + later. */
  readonly answers: readonly (Answer | null)[];
}

/** Money that a call moves: in by its sender, out to entries, gone for ever. */
export interface Flow {
  readonly paidIn: number;
  readonly credits: readonly number[];
  readonly burned: number;
  readonly eliminated: readonly number[];
}

export interface Move {
  readonly name: string;
  readonly honest: boolean;
  readonly next: RoundState;
  readonly flow: Flow;
}

export const BASE_BOND = 64;
const GAS_REFUND = 16;
const REWARD_CAP = 10;
const MOVE_BOND = 4;
const ROOTS = [2, 3, 4];
const TRUE_MIDPOINT = 1;
const FALSE_MIDPOINTS = [5, 6];
const MAX_ENTRIES = 4;
const NOTHING: Flow = { paidIn: 0, credits: [], burned: 0, eliminated: [] };

/** The next state of the machine: from the false midpoint 5 to the root of claim 1. */
function stepFrom(state: number): number {
  if (state === 0) return TRUE_MIDPOINT;
  if (state === TRUE_MIDPOINT) return ROOTS[0];
  return state === FALSE_MIDPOINTS[0] ? ROOTS[1] : 7;
}

export function initialState(): RoundState {
  return { time: 0, made: 0, entries: [], answers: new Array(MAX_ENTRIES * MAX_ENTRIES).fill(null) };
}

/** Claims that have a live backer, as bits. */
export function liveClaims(state: RoundState): number {
  let bits = 0;
  for (const entry of state.entries) if (entry.live) bits |= 1 << entry.claim;
  return bits;
}

/** The claim that can be confirmed now, or -1. */
export function confirmable(state: RoundState, times: ModelTimes): number {
  const live = liveClaims(state);
  if (live === 0 || (live & (live - 1)) !== 0 || state.time < times.window) return -1;
  if (state.made !== live && state.time < times.window + times.join) return -1;
  return 31 - Math.clz32(live);
}

/** Everything that the contract holds for the round. */
export function held(state: RoundState): number {
  let sum = 0;
  for (const [n, entry] of state.entries.entries()) {
    if (entry.live) sum += entryBond(BASE_BOND, n) + entry.pot * MOVE_BOND;
  }
  for (const answer of state.answers) if (answer !== null) sum += MOVE_BOND;
  return sum;
}

/** From which slot on the player on move in the game of these two has lost; the later one waits for nobody with its opening. */
export function gameClock(state: RoundState, times: ModelTimes, earlier: number, later: number): { mover: number; expiresAt: number } {
  const opener = state.entries[later];
  const answer = state.answers[earlier * MAX_ENTRIES + later];
  if (opener.opening === 0) return { mover: later, expiresAt: opener.at + times.clock };
  if (answer === null) return { mover: earlier, expiresAt: opener.openedAt + times.clock };
  const used = opener.openedAt - opener.at;
  return { mover: later, expiresAt: answer.at + times.clock + times.increment - used };
}

/** Pairs of live entries of rival claims. */
export function games(state: RoundState): [number, number][] {
  const pairs: [number, number][] = [];
  for (const [later, b] of state.entries.entries()) {
    for (let earlier = 0; earlier < later; earlier++) {
      const a = state.entries[earlier];
      if (a.live && b.live && a.claim !== b.claim) pairs.push([earlier, later]);
    }
  }
  return pairs;
}

/** Takes entries out: the survivor of the pair is paid, their other games are void and pay the opponent that lives; who answered the opening of a dead entry is paid for it. */
function eliminate(state: RoundState, losers: readonly number[], winner: number): { next: RoundState; flow: Flow } {
  const entries = state.entries.map((entry, n) => (losers.includes(n) ? { ...entry, live: false, at: 0, opening: 0, openedAt: 0, pot: 0 } : entry));
  const answers = [...state.answers];
  const credits = new Array<number>(entries.length).fill(0);
  let burned = 0;
  for (const loser of losers) {
    const shares = shareBond(entryBond(BASE_BOND, loser), GAS_REFUND, REWARD_CAP);
    if (winner < 0) burned += shares.refund + shares.reward + shares.burned;
    else {
      credits[winner] += shares.refund + shares.reward;
      burned += shares.burned;
    }
    let unearned = state.entries[loser].pot;
    for (let other = 0; other < entries.length; other++) {
      const game = Math.min(loser, other) * MAX_ENTRIES + Math.max(loser, other);
      if (state.answers[game] === null) continue;
      if (entries[other].live) {
        // The answer's own bond, and one of the pot if it was the dead one's opening that it answered.
        credits[other] += MOVE_BOND * (other < loser ? 2 : 1);
        if (other < loser) unearned -= 1;
      } else if (answers[game] !== null) burned += MOVE_BOND;
      answers[game] = null;
    }
    burned += unearned * MOVE_BOND;
  }
  return { next: { ...state, entries, answers }, flow: { paidIn: 0, credits, burned, eliminated: losers } };
}

function enter(state: RoundState, claim: number, honest: boolean): Move {
  const entry: Entry = { claim, honest, at: state.time, live: true, opening: 0, openedAt: 0, pot: 0 };
  const next = { ...state, made: state.made | (1 << claim), entries: [...state.entries, entry] };
  return { name: `enter ${claim}`, honest, next, flow: { ...NOTHING, paidIn: entryBond(BASE_BOND, state.entries.length) } };
}

function entryMoves(state: RoundState, times: ModelTimes, withHonest: boolean, maxEntries: number): Move[] {
  const moves: Move[] = [];
  if (state.time >= times.window + times.join) return moves;
  const honestIn = state.entries.some((entry) => entry.honest);
  const liars = state.entries.length - (honestIn ? 1 : 0);
  for (let claim = 0; claim < ROOTS.length; claim++) {
    const isMade = (state.made & (1 << claim)) !== 0;
    if (!isMade && state.time >= times.window) continue;
    if (withHonest && !honestIn && claim === 0) moves.push(enter(state, claim, true));
    if (liars < maxEntries - (withHonest ? 1 : 0)) moves.push(enter(state, claim, false));
  }
  return moves;
}

function openingMoves(state: RoundState, times: ModelTimes): Move[] {
  const moves: Move[] = [];
  const pairs = games(state);
  for (const [n, entry] of state.entries.entries()) {
    if (entry.opening !== 0 || state.time >= entry.at + times.clock || !pairs.some(([, later]) => later === n)) continue;
    const pot = state.entries.filter(({ live, claim }) => live && claim !== entry.claim).length;
    for (const midpoint of entry.honest ? [TRUE_MIDPOINT] : [TRUE_MIDPOINT, FALSE_MIDPOINTS[0]]) {
      const entries = state.entries.with(n, { ...entry, opening: midpoint, openedAt: state.time, pot });
      const next = { ...state, entries };
      moves.push({ name: `open ${n}: ${midpoint}`, honest: entry.honest, next, flow: { ...NOTHING, paidIn: pot * MOVE_BOND } });
    }
  }
  return moves;
}

/** What an entry may answer: it disagrees with the midpoint, or agrees with it and disagrees with the end. */
function answersTo(entry: Entry, midpoint: number): { segment: number; state: number }[] {
  const end = { segment: 1, state: ROOTS[entry.claim] };
  if (entry.honest) return midpoint === TRUE_MIDPOINT ? [end] : [{ segment: 0, state: TRUE_MIDPOINT }];
  const others = midpoint === TRUE_MIDPOINT ? [FALSE_MIDPOINTS[0]] : [TRUE_MIDPOINT, FALSE_MIDPOINTS[1]];
  return [end, ...others.map((state) => ({ segment: 0, state }))];
}

function gameMoves(state: RoundState, times: ModelTimes): Move[] {
  const moves: Move[] = [];
  for (const [earlier, later] of games(state)) {
    const { mover, expiresAt } = gameClock(state, times, earlier, later);
    const [a, b] = [state.entries[earlier], state.entries[later]];
    const key = earlier * MAX_ENTRIES + later;
    const answer = state.answers[key];
    const ours = a.honest || b.honest;
    if (state.time >= expiresAt) {
      const winner = mover === earlier ? later : earlier;
      moves.push({ name: `timeout ${mover} by ${winner}`, honest: state.entries[winner].honest, ...eliminate(state, [mover], winner) });
    } else if (answer !== null) {
      const said = answer.segment === 0 ? b.opening : ROOTS[b.claim];
      const proven = stepFrom(answer.segment === 0 ? 0 : b.opening);
      const losers = [...(answer.state === proven ? [] : [earlier]), ...(said === proven ? [] : [later])];
      const winner = losers.length === 2 ? -1 : earlier + later - losers[0];
      moves.push({ name: `prove ${earlier} ${later}`, honest: ours, ...eliminate(state, losers, winner) });
    } else if (b.opening !== 0) {
      for (const choice of answersTo(a, b.opening)) {
        const answers = state.answers.with(key, { ...choice, at: state.time });
        const next = { ...state, answers };
        moves.push({ name: `answer ${earlier} ${later}`, honest: a.honest, next, flow: { ...NOTHING, paidIn: MOVE_BOND } });
      }
    }
  }
  return moves;
}

/** Every call that the contract takes in this state, by anyone. Claims 1 and 2 are alike but for their roots. */
export function movesOf(state: RoundState, times: ModelTimes, withHonest: boolean, maxEntries: number = MAX_ENTRIES): Move[] {
  return [...entryMoves(state, times, withHonest, maxEntries), ...openingMoves(state, times), ...gameMoves(state, times)];
}

/** Whether the honest party, as late as it ever is, still has to act in this slot. */
export function honestMustAct(state: RoundState, times: ModelTimes, bound: number): boolean {
  const honest = state.entries.findIndex((entry) => entry.honest);
  if (honest < 0) {
    if (state.made === 0) return false;
    if ((state.made & 1) === 0) return state.time === times.window - 1;
    return state.made !== 1 && state.time === times.window + times.join - 1;
  }
  return games(state).some(([earlier, later]) => {
    if (earlier !== honest && later !== honest) return false;
    const { mover, expiresAt } = gameClock(state, times, earlier, later);
    return mover === honest ? state.time >= expiresAt - 1 : state.time >= bound && state.time >= expiresAt;
  });
}

/** The state as a short key: what cannot matter any more is not in it. */
export function keyOf(state: RoundState): string {
  let key = String.fromCharCode(state.time, state.made);
  for (const entry of state.entries) {
    const flags = entry.claim + (entry.honest ? 4 : 0) + (entry.live ? 8 : 0) + 16 * entry.opening + 128 * entry.pot;
    key += String.fromCharCode(flags, entry.at + 16 * entry.openedAt);
  }
  for (const [at, answer] of state.answers.entries()) {
    if (answer !== null) key += String.fromCharCode(1000 + at, answer.segment + 2 * answer.state + 16 * answer.at);
  }
  return key;
}
