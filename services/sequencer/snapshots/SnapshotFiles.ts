import { join } from "node:path";

import type { StateSnapshot, StateTreeSnapshot } from "../../../core/state/index.ts";
import type { LogPlace } from "../log/SegmentLog.ts";

/** What lies beside a snapshot of the state. */
export interface SnapshotMeta {
  /** Where the log goes on after it. */
  readonly place: LogPlace;
  /** Records executed, and the head after them (0x-hexadecimal). */
  readonly position: number;
  readonly head: string;
  /** CRC-32 of the file of recent bundles. */
  readonly recentCrc: number;
}

/** A snapshot to be written. */
export interface SnapshotJob {
  readonly dir: string;
  readonly domainSeparator: Uint8Array;
  readonly batchCount: number;
  readonly state: StateSnapshot;
  readonly tree: StateTreeSnapshot;
  readonly recent: Uint8Array;
  readonly meta: SnapshotMeta;
}

export const metaPath = (dir: string, batchCount: number): string => join(dir, `batch-${batchCount}.json`);
export const recentPath = (dir: string, batchCount: number): string => join(dir, `batch-${batchCount}.recent`);
