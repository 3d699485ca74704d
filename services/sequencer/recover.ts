import { recordsHash } from "../../core/codec/bundle.ts";
import { bundleHash, nextHead } from "../../core/codec/heads.ts";
import { LEAF_BYTES, MACHINE, SLOT_BYTES, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import type { State } from "../../core/state/index.ts";
import type { ListTree } from "../../core/state/tree/index.ts";
import { createBundleResult } from "../../core/transition/index.ts";
import type { Executor } from "../../core/transition/index.ts";
import type { RestoredBatch } from "./batches/OpenBatches.ts";
import type { SealedBatches } from "./batches/SealedBatches.ts";
import { groupTree } from "./heads/groupTree.ts";
import { LOG_KIND, decodeBatchStart, decodeBundle, decodeGroup } from "./log/LogEntry.ts";
import type { GroupStart } from "./log/LogEntry.ts";
import type { LogPlace, SegmentLog } from "./log/SegmentLog.ts";
import { RanBundle } from "./RanBundle.ts";
import type { RecentBundles } from "./RecentBundles.ts";
import type { RootClient } from "./roots/RootClient.ts";

/** Bundles whose place in their group is worked out again: as many as are remembered. */
const REMEMBERED = 4096;

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
  readonly open: RestoredBatch | undefined;
  readonly entries: number;
}

/** What a replay fills. */
export interface RecoverParts {
  readonly log: SegmentLog;
  readonly state: State;
  readonly executor: Executor;
  readonly roots: RootClient;
  readonly sealed: SealedBatches;
  readonly recent: RecentBundles;
}

interface Member {
  readonly hash: Uint8Array;
  readonly ran: RanBundle;
}

/** The groups of the log, one after the other: what their heads are, and where the newest bundles stand in them. */
class Groups {
  position: number;
  head: Uint8Array;
  #expected = 0;
  #slot = 0;
  #members: Member[] = [];
  #newest: { readonly members: readonly Member[]; readonly tree: ListTree; readonly previous: Uint8Array; readonly head: Uint8Array; readonly slot: number; readonly position: number }[] = [];
  #newestCount = 0;

  constructor({ position, head }: Checkpoint) {
    this.position = position;
    this.head = head;
  }

  /** A group begins. One that a crash tore ends here: its head was never signed, and what is left of it is a group by itself. */
  begin({ bundles, slot }: GroupStart): void {
    this.#end();
    this.#expected = bundles;
    this.#slot = slot;
  }

  add(member: Member): void {
    this.position += member.ran.record.outcomes.length;
    this.#members.push(member);
    if (this.#members.length === this.#expected) this.#end();
  }

  /** Tells the newest bundles where they stand. */
  finish(): void {
    this.#end();
    for (const { members, tree, previous, head, slot, position } of this.#newest) {
      for (const [index, { ran }] of members.entries()) ran.durable({ previous, head, slot, position, index, path: tree.proof(index) });
    }
  }

  #end(): void {
    if (this.#members.length === 0) return;
    const members = this.#members;
    this.#members = [];
    const tree = groupTree(members.map(({ hash }) => hash));
    const previous = this.head;
    this.head = nextHead(previous, tree.root(), this.position);
    this.#newest.push({ members, tree, previous, head: this.head, slot: this.#slot, position: this.position });
    this.#newestCount += members.length;
    for (let oldest = this.#newest[0]; oldest !== undefined && this.#newestCount - oldest.members.length >= REMEMBERED; oldest = this.#newest[0]) {
      this.#newest.shift();
      this.#newestCount -= oldest.members.length;
    }
  }
}

/**
 * Plays the log again: the same state, the same roots, the same heads.
 * @throws SequencerError `sequencer/logFormat`, `sequencer/logDamaged`
 */
export async function recover({ log, state, executor, roots, sealed, recent }: RecoverParts, from: Checkpoint): Promise<Recovered> {
  const out = createBundleResult();
  const groups = new Groups(from);
  let open: { l2Time: number; queueEnd: number; slots: number; from: LogPlace; bundles: RanBundle[] } | undefined;
  let entries = 0;
  for (const { place, end, payload } of log.recover(from.place)) {
    entries += 1;
    switch (payload[0]) {
      case LOG_KIND.GROUP:
        groups.begin(decodeGroup(payload));
        break;
      case LOG_KIND.BATCH: {
        const start = decodeBatchStart(payload);
        executor.beginBatch(start);
        for (const entry of start.entries) executor.applyEntry(entry);
        open = { l2Time: start.l2Time, queueEnd: start.queueEnd, slots: 0, from: place, bundles: [] };
        break;
      }
      case LOG_KIND.BUNDLE: {
        const { recovered, bundle } = decodeBundle(payload);
        const signer = recovered.every((byte) => byte === 0) ? null : recovered;
        const position = groups.position;
        executor.executeBundle(bundle, 0, signer, out);
        const { count, firstReceipt, outcomes, slots, ids } = out;
        const record = { position, firstReceipt, outcomes: outcomes.slice(0, count), slots: slots.slice(0, count), ids: ids.slice(0, count) };
        const ran = RanBundle.from({ record, head: undefined, root: undefined });
        const hash = bundleHash(bundle, recordsHash(bundle, SLOT_BYTES, bundle.length / SLOT_BYTES - 1));
        // What an earlier sequencer posted may hold bundles that are none (`adoptFromL1`): they have no place in the order.
        if (count > 0) {
          groups.add({ hash, ran });
          recent.add(hash, ran);
        }
        if (open !== undefined) {
          open.slots += out.slotsTaken;
          open.bundles.push(ran);
        }
        break;
      }
      case LOG_KIND.END: {
        const slots = executor.endBatch();
        const stateRoot = await roots.apply(state.drainDirty());
        const index = state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex) - 1;
        if (open === undefined) throw new RangeError(`batch ${index} ends and did not begin`);
        sealed.add({ index, l2Time: open.l2Time, queueEnd: open.queueEnd, slots, position: groups.position, from: open.from, to: end, stateRoot });
        for (const ran of open.bundles) ran.sealed({ position: groups.position, stateRoot, batchCount: index + 1 });
        open = undefined;
        break;
      }
      default:
        break;
    }
  }
  groups.finish();
  return { position: groups.position, head: groups.head, open, entries };
}
