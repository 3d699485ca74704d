import type { Lock } from "../locks.ts";

/** One direction, as its payer and payee know it. */
export interface DirectionStatus {
  /** Entries under a voucher (logged). */
  readonly sequence: number;
  /** Entries that the payee acknowledged, or that we did. */
  readonly acked: number;
  /** Lifetime total of the newest voucher. */
  readonly paid: number;
  /** Part of `paid` that failed calls gave back and that no entry has used yet. */
  readonly credit: number;
  /** Answers under a signature of the payee. */
  readonly results: number;
  /** Calls without a signed answer, and their value. */
  readonly openCalls: number;
  readonly openUnits: number;
  readonly locks: readonly Lock[];
  readonly callsHash: Uint8Array;
  readonly resultsHash: Uint8Array;
}

/** What a program or a person wants to know at a glance. */
export interface ChannelStatus {
  /** offline, syncing, open; stopping for a rebase or close; frozen: only the end is left. */
  readonly phase: "offline" | "syncing" | "open" | "stopping" | "frozen";
  readonly frozenBy: "close-signed" | "closing" | "closed" | "store-behind" | "two-stores" | undefined;
  readonly version: number;
  readonly outgoing: DirectionStatus;
  readonly incoming: DirectionStatus;
  /** What our side would be paid with today's totals and no locks. */
  readonly balanceUnits: number;
  /** What can still be called for. */
  readonly capacityUnits: number;
  readonly logPosition: number;
}
