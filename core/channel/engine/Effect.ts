import type { Base, Close, Grant, PartialWithdrawal } from "../digests.ts";
import type { Lock } from "../locks.ts";
import type { Side } from "../ChannelConfig.ts";
import type { ChannelCode } from "./ChannelCode.ts";

/** Calls that the peer has paid for, flat: one array element per call. Views stay valid as long as the batch is held. */
export interface CallBatch {
  readonly count: number;
  readonly sequences: Float64Array;
  /** Units. */
  readonly prices: Float64Array;
  /** 32 bytes each. */
  readonly requestHashes: Uint8Array;
  /** Undefined if the payer sends the requests by another way; checked against the hashes if not. */
  readonly payloads: readonly Uint8Array[] | undefined;
  /** The calls may have run before: the process ended before their answers were durable. Run them by (channel, sequence) once. */
  readonly isRepeated: boolean;
}

/** Signed answers of the peer. */
export interface ResultBatch {
  readonly count: number;
  readonly sequences: Float64Array;
  /** 0: done; anything else: failed, and the price is credited. */
  readonly statuses: Uint8Array;
  /** 32 bytes each. */
  readonly responseHashes: Uint8Array;
  readonly payloads: readonly Uint8Array[] | undefined;
}

/** Something that happened to the channel and that its owner may want to act on. */
export type ChannelEvent =
  /** Connected, and both know what the other has: calls flow. */
  | { readonly name: "synced" }
  | { readonly name: "rebased"; readonly base: Base }
  /** The peer opened a lock for us. */
  | { readonly name: "lock-added"; readonly lock: Lock }
  /** The payer of a lock of ours learned the preimage (hand it on; the settle entry is queued by itself). */
  | { readonly name: "preimage"; readonly hashlock: Uint8Array; readonly preimage: Uint8Array }
  /** The peer paid a lock. */
  | { readonly name: "lock-settled"; readonly hashlock: Uint8Array; readonly preimage: Uint8Array }
  | { readonly name: "lock-dropped"; readonly hashlock: Uint8Array; readonly payer: Side }
  /** The payee gave a lock of ours up; the next rebase takes it out. */
  | { readonly name: "lock-released"; readonly hashlock: Uint8Array }
  /** Both signed: hand it to the chain. */
  | { readonly name: "closed"; readonly close: Close; readonly signatures: readonly [Uint8Array, Uint8Array] }
  | { readonly name: "withdrawal"; readonly withdrawal: PartialWithdrawal; readonly signatures: readonly [Uint8Array, Uint8Array] }
  /** The other party's consent to the export. */
  | { readonly name: "export"; readonly signature: Uint8Array }
  /** The peer asks for ours; answer with `approveExport`. */
  | { readonly name: "export-asked" }
  | { readonly name: "granted"; readonly side: Side; readonly grant: Grant };

/**
 * What the shell does for the engine, in the order of the list. `after` is a log position: the effect waits until that record
 * and all before it are durable. Sends leave in their order. A position is the count of records since the store was made
 * (replayed ones included).
 */
export type Effect =
  /** Append; `position` is the record's own. */
  | { readonly kind: "log"; readonly record: Uint8Array; readonly position: number }
  | { readonly kind: "send"; readonly frame: Uint8Array; readonly after: number }
  /**
   * Answer with `signed`: a signature of the address `key`, the principal's or the session key's. A signer of the same process may start before `after` is durable (a signature that dies with the
   * process was never made: the send waits as well); one that lives outside must wait.
   */
  | { readonly kind: "sign"; readonly token: number; readonly digest: Uint8Array; readonly as: "principal" | "session"; readonly key: Uint8Array; readonly after: number }
  /** Answer with `verified`. 64 bytes: EIP-2098 of `signer`; other lengths only where a contract principal may sign. */
  | { readonly kind: "verify"; readonly token: number; readonly digest: Uint8Array; readonly signature: Uint8Array; readonly signer: Uint8Array }
  /** Run these calls and `answer` each. */
  | { readonly kind: "deliver"; readonly calls: CallBatch; readonly after: number }
  | { readonly kind: "results"; readonly results: ResultBatch; readonly after: number }
  | { readonly kind: "event"; readonly event: ChannelEvent; readonly after: number }
  /** A person or a policy should look: docs/CHANNELS.md lists the codes. */
  | { readonly kind: "alarm"; readonly code: ChannelCode; readonly detail: string }
  /** End the connection now (frames sent before this one may still leave) and take no new one for `banMs`. */
  | { readonly kind: "cut"; readonly code: ChannelCode; readonly detail: string; readonly banMs: number };
