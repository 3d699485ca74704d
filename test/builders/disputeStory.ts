import { decide } from "../../services/challenger/decide/decide.ts";
import type { DisputeAction } from "../../services/challenger/decide/DisputeAction.ts";
import { DEFAULT_POLICY } from "../../services/challenger/decide/DisputePolicy.ts";
import type { DisputePolicy } from "../../services/challenger/decide/DisputePolicy.ts";
import type { Board, DisputeRules, DisputeState, EntryView, EpochView, GameView } from "../../services/challenger/decide/DisputeState.ts";

/** Round numbers: claims until 1,000, backing until 1,800, a clock of 600. */
export const STORY_RULES: DisputeRules = { windowSeconds: 1_000, joinSeconds: 800, clockSeconds: 600, incrementSeconds: 30, parts: 4, bondWei: 3_200n, moveBondWei: 10n };

const TRUTH = "truth";

interface Played {
  readonly board: Board;
  readonly mover: "us" | "them";
  readonly lateAt: number;
}

/** What happened in the round of one epoch, told in order; times are seconds after the round began. */
export class EpochStory {
  readonly #epoch: number;
  readonly #entries: EntryView[] = [];
  readonly #played = new Map<string, Played>();
  readonly #claims = new Set<string>();

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  /** Somebody claims or backs; "truth" is the true claim. */
  enters(who: "we" | "somebody", claim: string, at: number): this {
    this.#claims.add(claim);
    this.#entries.push({ n: this.#entries.length, enteredAt: at, isDead: false, claimId: this.#idOf(claim), isOurs: who === "we", openedAt: 0 });
    return this;
  }

  crowd(count: number, claim: (index: number) => string, at: number): this {
    for (let index = 0; index < count; index += 1) this.enters("somebody", claim(index), at);
    return this;
  }

  opens(n: number, at: number): this {
    return this.#change(n, { openedAt: at });
  }

  isOut(...entries: readonly number[]): this {
    for (const n of entries) this.#change(n, { isDead: true });
    return this;
  }

  /** A game that was answered: whose turn it is, and until when. */
  game(i: number, j: number, mover: "us" | "them", lateAt: number, phase: "answer" | "leaf" = "answer"): this {
    const move = `move ${i}-${j}`;
    const zero = new Uint8Array(32);
    const board: Board = phase === "answer"
      ? { phase, move, position: { from: 0, size: 16, preState: zero, states: [zero, zero, zero, zero] } }
      : { phase, move, leaf: { step: 7, preState: zero, saidEarlier: zero, saidLater: zero } };
    this.#played.set(`${i}-${j}`, { board, mover, lateAt });
    return this;
  }

  /** The endpoint has no event of the move. */
  gameWithoutEvent(i: number, j: number, lateAt: number): this {
    this.#played.set(`${i}-${j}`, { board: { phase: "answer", move: `move ${i}-${j}`, position: undefined }, mover: "us", lateAt });
    return this;
  }

  toView(): EpochView {
    const claimId = this.#idOf(TRUTH);
    const live = this.#entries.filter(({ isDead }) => !isDead);
    const liveClaims = new Set(live.map((entry) => entry.claimId)).size;
    const openedAt = this.#entries[0]?.enteredAt;
    const count = this.#entries.length;
    return {
      epoch: this.#epoch,
      parent: `parent of ${this.#epoch}`,
      accumulator: "0xac",
      root: `0x${this.#epoch}`,
      claimId,
      isMade: this.#claims.has(TRUTH),
      round: { number: 1, roundId: `round ${this.#epoch}`, openedAt, claimCount: this.#claims.size, liveClaims, entries: this.#entries, priceWei: STORY_RULES.bondWei + BigInt(count * 100) },
      games: live.filter((own) => own.isOurs && own.claimId === claimId).flatMap((own) => live.filter((rival) => rival.claimId !== claimId).map((rival) => this.#gameOf(own, rival))),
    };
  }

  #gameOf(own: EntryView, rival: EntryView): GameView {
    const [earlier, later] = own.n < rival.n ? [own, rival] : [rival, own];
    const [i, j] = [earlier.n, later.n];
    const played = this.#played.get(`${i}-${j}`);
    if (played !== undefined) return { i, j, isOurTurn: played.mover === "us", lateAt: played.lateAt, board: played.board };
    if (later.openedAt === 0) return { i, j, isOurTurn: later.isOurs, lateAt: later.enteredAt + STORY_RULES.clockSeconds, board: { phase: "opening" } };
    const zero = new Uint8Array(32);
    const position = { from: 0, size: 16, preState: zero, states: [zero, zero, zero, zero] };
    return { i, j, isOurTurn: earlier.isOurs, lateAt: later.openedAt + STORY_RULES.clockSeconds, board: { phase: "answer", move: `opening ${j}`, position } };
  }

  #idOf(claim: string): string {
    return `${claim} of ${this.#epoch}`;
  }

  #change(n: number, change: Partial<EntryView>): this {
    const entry = this.#entries[n];
    if (entry === undefined) throw new Error(`there is no entry ${n}`);
    this.#entries[n] = { ...entry, ...change };
    return this;
  }
}

export interface StoryOptions {
  readonly now: number;
  readonly policy?: Partial<DisputePolicy>;
  readonly balanceWei?: bigint;
  readonly confirmed?: DisputeState["confirmed"];
}

export function stateOf(epochs: readonly EpochStory[], { now, balanceWei = 1_000_000n, confirmed }: StoryOptions): DisputeState {
  return {
    now,
    balanceWei,
    baseFeeWei: 1n,
    rules: STORY_RULES,
    confirmed: confirmed ?? { claimId: "0xc0", nextEpoch: 0, root: "0x00", ownRoot: "0x00" },
    epochs: epochs.map((epoch) => epoch.toView()),
  };
}

/** What is done about it, in words: "back 0" is the true claim of epoch 0, "answer 0: 1-3" the game of its entries 1 and 3. */
export function doings(epochs: readonly EpochStory[], options: StoryOptions): string[] {
  return decide(stateOf(epochs, options), { ...DEFAULT_POLICY, ...options.policy }).map(wordsOf);
}

function wordsOf(action: DisputeAction): string {
  switch (action.type) {
    case "alarm":
      return `alarm ${action.alarm.code.split("/")[1]}`;
    case "claim":
    case "back":
    case "confirm":
      return `${action.type} ${action.epoch}`;
    case "open":
      return `open ${action.epoch}: ${action.n}`;
    case "answer":
    case "prove":
      return `${action.type} ${action.epoch}: ${action.i}-${action.j}`;
    case "timeout":
      return `timeout ${action.roundId.split(" ")[1]}: ${action.i}-${action.j}`;
    default:
      return action.type;
  }
}
