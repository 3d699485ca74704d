/** When a pair of agents gets a channel, and how much goes into it. Amounts in base units of the asset. */
export interface PromotionPolicy {
  /** So many paid calls within `windowMs` make a pair worth a channel. */
  readonly calls: number;
  readonly windowMs: number;
  /** A channel without a call for so long is closed, and its money comes back. */
  readonly demoteMs: number;
  /** What a channel is opened with, and what is put in when it runs low. */
  readonly deposit: bigint;
  /** Most that one channel may hold of ours, over its life. */
  readonly maxPerChannel: bigint;
  /** Most that all channels of this asset may hold of ours at once. */
  readonly maxInAll: bigint;
  /** Below so many calls at the last price it is topped up. */
  readonly lowCalls: number;
  /** After a failure; doubled with each, up to `maxBackoffMs`. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** After so many closes that the partner did not sign the channel is ended without it. */
  readonly closeTries: number;
}

export const DEFAULT_PROMOTION: Omit<PromotionPolicy, "deposit" | "maxPerChannel" | "maxInAll"> = {
  calls: 20, windowMs: 60_000, demoteMs: 3_600_000, lowCalls: 50, backoffMs: 30_000, maxBackoffMs: 3_600_000, closeTries: 3,
};

/** A channel as the decision sees it. */
export interface ChannelView {
  /** `open`: calls can be made; `away`: the partner is not connected; `ending`: a close has begun, on either side; `new`: not yet on the chain. */
  readonly phase: "new" | "open" | "away" | "ending";
  /** What can still be called for. */
  readonly capacity: bigint;
  /** What this side has put in, less what was paid out of it. */
  readonly deposited: bigint;
  /** When it was last used, or opened, or found again after a start. */
  readonly usedAtMs: number;
  /** Calls without an answer. */
  readonly openCalls: number;
}

/** What is known of a pair: this agent and one seller, in one asset. */
export interface PairState {
  readonly nowMs: number;
  /** Paid calls within the window, by whatever way. */
  readonly recentCalls: number;
  /** The seller offers channels, and where it can be reached. */
  readonly isOffered: boolean;
  /** Last price; 0: not known. */
  readonly price: bigint;
  readonly channel: ChannelView | undefined;
  /** Of our money in all channels of this asset. */
  readonly depositedInAll: bigint;
  /** Something is being done about a channel, of this pair or another. */
  readonly isBusy: boolean;
  /** In a row, and when the next try may be. */
  readonly failures: number;
  readonly nextTryMs: number;
}

export type PromotionAction =
  | { readonly kind: "none" }
  | { readonly kind: "open"; readonly deposit: bigint }
  | { readonly kind: "deposit"; readonly amount: bigint }
  /** With the partner's signature. */
  | { readonly kind: "close" }
  /** Without it: the contract waits for the partner's better state, then pays out. */
  | { readonly kind: "end-alone" };
