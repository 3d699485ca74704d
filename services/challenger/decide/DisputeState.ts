import type { Leaf, Position } from "../../../core/dispute/index.ts";

/** What of the contracts' configuration a player needs; it never changes. Times in seconds, amounts in wei. */
export interface DisputeRules {
  /** W: claims may be made so long after a round's first one. */
  readonly windowSeconds: number;
  /** D: claims may be backed that much longer. */
  readonly joinSeconds: number;
  /** C0, and what each move adds to it. */
  readonly clockSeconds: number;
  readonly incrementSeconds: number;
  /** k */
  readonly parts: number;
  readonly bondWei: bigint;
  readonly moveBondWei: bigint;
}

/** A bond on a claim of the round under way. */
export interface EntryView {
  readonly n: number;
  /** unix seconds */
  readonly enteredAt: number;
  readonly isDead: boolean;
  readonly claimId: string;
  /** We back it, or play it for somebody whom the operator trusts. */
  readonly isOurs: boolean;
  /** unix seconds; 0 before its opening */
  readonly openedAt: number;
}

/** What there is to do in a game of ours, apart from whose turn it is. */
export type Board =
  /** The later one has not opened. */
  | { readonly phase: "opening" }
  /** `move` is to be answered; `position` is what it opens to, undefined when no event of it was found. */
  | { readonly phase: "answer"; readonly move: string; readonly position: Position | undefined }
  /** One step is left. */
  | { readonly phase: "leaf"; readonly move: string; readonly leaf: Leaf | undefined };

/** The game of an entry of ours and one of a rival claim, both live. */
export interface GameView {
  /** The earlier entry, and the later. */
  readonly i: number;
  readonly j: number;
  readonly isOurTurn: boolean;
  /** unix seconds: from then on who is on move can be timed out */
  readonly lateAt: number;
  readonly board: Board;
}

/** The round under way of one parent; `number` is the one that a claim made now has to name. */
export interface RoundView {
  readonly number: number;
  readonly roundId: string;
  /** unix seconds; undefined while nobody began it */
  readonly openedAt: number | undefined;
  readonly claimCount: number;
  readonly liveClaims: number;
  readonly entries: readonly EntryView[];
  /** What an entry costs now. */
  readonly priceWei: bigint;
}

/** A closed epoch that is not confirmed, as the child of the true claims before it. Hashes are 0x hex. */
export interface EpochView {
  readonly epoch: number;
  readonly parent: string;
  /** Of the Inbox, that a claim has to name. */
  readonly accumulator: string;
  /** Our root after it, and the claim that says so. */
  readonly root: string;
  readonly claimId: string;
  /** It was made in the round under way. */
  readonly isMade: boolean;
  readonly round: RoundView;
  /** Of our live entries on the true claim with live rivals. */
  readonly games: readonly GameView[];
}

/** Our entry whose bond is still held although nothing is played for it any more. */
export interface HeldBond {
  readonly roundId: string;
  readonly n: number;
  /** The parent has to be marked as void first. */
  readonly voidParent: string | undefined;
}

/** Everything that a turn is decided from, of one block. */
export interface DisputeState {
  /** unix seconds that a block mined now has at least */
  readonly now: number;
  readonly balanceWei: bigint;
  readonly baseFeeWei: bigint;
  readonly rules: DisputeRules;
  readonly confirmed: { readonly claimId: string; readonly nextEpoch: number; readonly root: string; readonly ownRoot: string | undefined };
  /** From `confirmed.nextEpoch` on, in order, up to the first whose true claim is not made. */
  readonly epochs: readonly EpochView[];
  /** The first epoch that is left out although its parent's true claim is made: there are more than are read. */
  readonly cutAt?: number;
}

/** Money of ours that can be fetched. */
export interface DueMoney {
  readonly bonds: readonly HeldBond[];
  /** Games of ours that are over and hold moves' bonds. */
  readonly games: readonly { readonly roundId: string; readonly i: number; readonly j: number }[];
  /** Openings of ours whose entry is not played for any more. */
  readonly openings: readonly { readonly roundId: string; readonly n: number }[];
  readonly creditWei: bigint;
}
