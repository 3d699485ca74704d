import { LEAF_BYTES, MACHINE, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import { recordsHash } from "../../core/codec/bundle.ts";
import type { State } from "../../core/state/index.ts";
import { createBundleResult } from "../../core/transition/index.ts";
import type { Executor } from "../../core/transition/index.ts";
import { bundleHash, groupTree, nextHead } from "./Heads.ts";
import { LOG_KIND, decodeBatchStart, decodeBundle, decodeGroup } from "./log/LogEntry.ts";
import { FRAME_BYTES } from "./log/SegmentLog.ts";
import type { LogPlace, SegmentLog } from "./log/SegmentLog.ts";
import type { RootClient } from "./roots/RootClient.ts";
import type { SealedBatches } from "./SealedBatches.ts";

/** Where a replay starts: what a snapshot holds besides the state. */
export interface Checkpoint {
  readonly place: LogPlace | undefined;
  readonly position: number;
  readonly head: Uint8Array;
}

/** Where a replay ended. */
export interface Recovered {
  readonly position: number;
  readonly head: Uint8Array;
  readonly open: { l2Time: number; queueEnd: number; slots: number; from: LogPlace } | undefined;
  readonly entries: number;
}

/** Plays the log again: the same state, the same roots, the same heads. */
export async function recover(
  parts: { readonly log: SegmentLog; readonly state: State; readonly executor: Executor; readonly roots: RootClient; readonly sealed: SealedBatches },
  from: Checkpoint,
): Promise<Recovered> {
  const { log, state, executor, roots, sealed } = parts;
  const out = createBundleResult();
  let { position, head } = from;
  let open: Recovered["open"];
  let group: { left: number; hashes: Uint8Array[]; position: number } | undefined;
  let entries = 0;
  for (const { place, payload } of log.recover(from.place)) {
    entries += 1;
    switch (payload[0]) {
      case LOG_KIND.GROUP:
        group = { left: decodeGroup(payload), hashes: [], position };
        break;
      case LOG_KIND.BATCH: {
        const start = decodeBatchStart(payload);
        executor.beginBatch(start);
        for (const entry of start.entries) executor.applyEntry(entry);
        open = { l2Time: start.l2Time, queueEnd: start.queueEnd, slots: 0, from: place };
        break;
      }
      case LOG_KIND.BUNDLE: {
        const { recovered, bundle } = decodeBundle(payload);
        const signer = recovered.every((byte) => byte === 0) ? null : recovered;
        // A copy: the executor keeps a view of what it was given, and the log's buffer is large.
        executor.executeBundle(bundle.slice(), 0, signer, out);
        position += out.count;
        if (open !== undefined) open.slots += out.slotsTaken;
        if (group !== undefined) {
          group.hashes.push(bundleHash(bundle, recordsHash(bundle.slice(96))));
          group.left -= 1;
          // A group that the crash tore was never signed: its head does not exist.
          if (group.left === 0) {
            head = nextHead(head, groupTree(group.hashes).root(), position);
            group = undefined;
          }
        }
        break;
      }
      case LOG_KIND.END: {
        const slots = executor.endBatch();
        const stateRoot = await roots.apply(state.drainDirty());
        const index = state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex) - 1;
        const to = { segment: place.segment, offset: place.offset + FRAME_BYTES + payload.length };
        if (open !== undefined) sealed.add({ index, l2Time: open.l2Time, queueEnd: open.queueEnd, slots, position, from: open.from, to, stateRoot });
        open = undefined;
        break;
      }
      default:
        break;
    }
  }
  // The whole records of a torn group are kept: they were executed in this order, and nobody was told otherwise.
  if (group !== undefined && group.hashes.length > 0) head = nextHead(head, groupTree(group.hashes).root(), position);
  return { position, head, open, entries };
}
