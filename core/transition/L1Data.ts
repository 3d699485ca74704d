import type { BatchMeta, L1Entry } from "../codec/batch.ts";

/** A batch with its slots. */
export interface BatchInput extends BatchMeta {
  /** 96 bytes a slot. */
  readonly data: Uint8Array;
}

/** A queue entry; a FORCED one comes with its slots. */
export interface EntryInput extends L1Entry {
  readonly data: Uint8Array;
}

/** What the chain's Inbox on L1 holds. */
export interface L1Data {
  /** @throws CoreError transition/input when there is no such batch */
  batch(index: number): BatchInput;
  /** @throws CoreError transition/input when there is no such entry */
  entry(index: number): EntryInput;
}
