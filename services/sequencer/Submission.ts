import type { BundleRecord, SignedHead } from "../../core/codec/stream.ts";

/** Codes of the intake itself, above those of the specification. */
export const INTAKE = {
  BUSY: 128,
  DISK_FULL: 129,
  WAITED_TOO_LONG: 130,
  STOPPING: 131,
  TOO_LARGE: 132,
} as const;

/** Who sent a bundle: told at each level. Nothing here may block or throw. */
export interface Reply {
  sequenced(): void;
  parked(): void;
  durable(record: BundleRecord, signed: SignedHead): void;
  rooted(position: number, stateRoot: Uint8Array, signature: Uint8Array, batchCount: number): void;
  rejected(code: number, detail: string): void;
}

/** One connection or address: what it has between intake and execution is bounded, so that it leaves room for the others. */
export interface Client {
  queued: number;
}

/** A bundle on its way through the pipeline. */
export interface Submission {
  bytes: Uint8Array;
  readonly count: number;
  readonly hash: Uint8Array;
  readonly reply: Reply;
  readonly client: Client | undefined;
  /** 20 bytes once the signature was looked at, zero for a signature that recovers nothing. */
  recovered: Uint8Array | undefined;
  /** When the bundle stops waiting for what it depends on, on the monotonic clock; 0 if it never waited. */
  parkedUntilMs: number;
}
