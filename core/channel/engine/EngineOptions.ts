import type { ChannelConfig, Side } from "../ChannelConfig.ts";

/** How much one side takes from the other; both say theirs in HELLO and keep to the smaller. */
export interface EngineLimits {
  /** Entries under one voucher, at most 4,096. */
  readonly maxCallsPerFrame: number;
  /** Of one request or response. */
  readonly maxPayloadBytes: number;
  readonly maxFrameBytes: number;
  /** Calls between the oldest without an answer and the newest; a power of two. */
  readonly maxOpenCalls: number;
  /** Vouchers without an Ack. */
  readonly maxInFlight: number;
}

export interface EngineOptions extends Partial<EngineLimits> {
  readonly config: ChannelConfig;
  /** `channelDomainSeparator` of the chain. */
  readonly separator: Uint8Array;
  readonly self: Side;
  /** chained: as many calls under a signature as wait; each: a signature of both for every call. */
  readonly mode?: "chained" | "each";
  /** Units of calls without a signed answer, from which on `call` refuses: what a peer that vanishes can cost. Default: no bound but the deposit. */
  readonly maxUnackedUnits?: number;
  /** Bytes of frames with calls that we have not answered, beyond which no more are taken. */
  readonly maxUnansweredBytes?: number;
  /** After this long without answers a received voucher is acknowledged without them; so long answers that nobody waits for are collected. */
  readonly ackDelayMs?: number;
  /** After this long without an Ack the peer counts as stalled. */
  readonly stallMs?: number;
  /** Tolerated difference of the two clocks, and margin of everything that expires. */
  readonly maxSkewSeconds?: number;
  /** Before a lock's expiry, when a preimage must go to the chain if the payer has not paid; the shortest life of a lock that we take. */
  readonly lockMarginSeconds?: number;
  /** The parties, if they are contracts (ERC-1271): such a party signs vouchers with a granted key only. */
  readonly contractParties?: readonly [boolean, boolean];
}

export const DEFAULT_LIMITS: Readonly<Record<"chained" | "each", EngineLimits>> = {
  chained: { maxCallsPerFrame: 1024, maxPayloadBytes: 1 << 20, maxFrameBytes: 4 << 20, maxOpenCalls: 1 << 16, maxInFlight: 2 },
  each: { maxCallsPerFrame: 1, maxPayloadBytes: 1 << 20, maxFrameBytes: 4 << 20, maxOpenCalls: 1 << 16, maxInFlight: 64 },
};

/** What the chain says about the channel, below the configured depth of confirmations. */
export interface ChainView {
  /** Deposits less withdrawals of A and B, in units. */
  readonly netA: number;
  readonly netB: number;
  /** Next nonce of a partial withdrawal. */
  readonly withdrawalNonce: number;
  /** open; closing: a close was asked for (no confirmations needed); closed. */
  readonly status: "open" | "closing" | "closed";
  /** Recorded version on chain. */
  readonly version: number;
}
