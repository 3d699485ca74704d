import { nextHead } from "../../core/codec/heads.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { groupTree } from "./heads/groupTree.ts";
import type { HeadSigner } from "./heads/HeadSigner.ts";
import type { GroupStart } from "./log/LogEntry.ts";
import { FRAME_BYTES } from "./log/SegmentLog.ts";
import type { LogPlace, SegmentLog } from "./log/SegmentLog.ts";
import type { RanBundle } from "./RanBundle.ts";

const RETRY_MS = 500;
/** A group is one buffer and one write. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Nothing more is taken while so much waits for a disk or signer that hangs. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** A bundle of a group: its hash goes into the signed head, and it is told. */
export interface GroupMember {
  readonly hash: Uint8Array;
  /** Records. */
  readonly count: number;
  readonly ran: RanBundle;
}

/** Something for the log. */
export interface Write {
  readonly payload: Uint8Array;
  /** Set for a bundle: it is part of the group's signed head. */
  readonly bundle?: GroupMember;
  /** Nothing shares a group with it that comes later: a snapshot can point behind it. */
  readonly endsGroup?: boolean;
  /** Called, in order, once it is on disk and its group's head is signed. */
  readonly written?: (from: LogPlace, to: LogPlace) => void;
  /** Called in its place when that cannot come any more. */
  readonly failed?: (error: Error) => void;
}

export interface CommitterOptions {
  readonly log: Pick<SegmentLog, "append">;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something that another try does not mend; nothing is acknowledged after it. */
  readonly onFailed: (error: Error) => void;
  /** The slot of this time, on a chain whose operators take turns. */
  readonly slotNow?: () => number;
}

/**
 * Group commit: while one group is being written, the next one gathers. Only what is on disk is acknowledged and signed, one
 * signature a group. When the disk refuses or the signer is away, it is tried again until it succeeds; nothing is acknowledged meanwhile.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Write[] = [];
  #loop: Promise<void> | undefined;
  #isDiskFull = false;
  #isAbandoned = false;
  #failure: Error | undefined;
  #waitingBytes = 0;
  /** keccak256 chain over all groups so far, and the records that it covers. */
  head: Uint8Array = new Uint8Array(32);
  position = 0;
  /** The last head that was signed by this process. */
  signed: { readonly slot: number; readonly position: number; readonly head: Uint8Array; readonly signature: Uint8Array } | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** True while the disk refuses to take a group. */
  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  /** True while nothing can be acknowledged. */
  get isStuck(): boolean {
    return this.#isDiskFull || this.#failure !== undefined || this.#options.signer.isAway || this.#waitingBytes > MAX_WAITING_BYTES;
  }

  add(write: Write): void {
    if (this.#failure !== undefined) {
      write.failed?.(this.#failure);
      return;
    }
    this.#waiting.push(write);
    this.#waitingBytes += write.payload.length;
    this.#loop ??= this.#run();
  }

  /** Resolves when everything added so far is on disk, or when that cannot come any more. */
  async idle(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop;
  }

  /** Gives up what the disk or the signer does not take: nobody was told of it. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#options.signer.abandon();
  }

  async #run(): Promise<void> {
    let group: Write[] = [];
    try {
      // What arrives in the same turn of the event loop shares a group.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#waiting.length > 0) {
        group = this.#takeGroup();
        await this.#commit(group);
        for (const { payload } of group) this.#waitingBytes -= payload.length;
      }
    } catch (error) {
      const failure = toError(error);
      this.#failure = failure;
      for (const { failed } of [...group, ...this.#waiting]) failed?.(failure);
      this.#waiting = [];
      this.#options.onFailed(failure);
    }
    this.#loop = undefined;
  }

  #takeGroup(): Write[] {
    let bytes = 0;
    const last = this.#waiting.findIndex(({ endsGroup, payload }) => endsGroup === true || (bytes += payload.length) >= MAX_GROUP_BYTES);
    if (last >= 0 && last < this.#waiting.length - 1) return this.#waiting.splice(0, last + 1);
    const group = this.#waiting;
    this.#waiting = [];
    return group;
  }

  async #commit(group: readonly Write[]): Promise<void> {
    const bundles = group.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]));
    // On disk before anything is signed for it: a restart signs the same words, or none, for this position.
    const slot = this.#options.slotNow?.() ?? 0;
    const start = await this.#write(group.map(({ payload }) => payload), { bundles: bundles.length, slot });
    if (bundles.length > 0) await this.#acknowledge(bundles, slot);
    let { offset } = start;
    for (const { payload, written } of group) {
      const end = offset + FRAME_BYTES + payload.length;
      written?.({ segment: start.segment, offset }, { segment: start.segment, offset: end });
      offset = end;
    }
  }

  async #write(payloads: readonly Uint8Array[], group: GroupStart): Promise<LogPlace> {
    const { log, clock, logger } = this.#options;
    for (;;) {
      try {
        const start = await log.append(payloads, group);
        if (this.#isDiskFull) logger.info("the log can be written again");
        this.#isDiskFull = false;
        return start;
      } catch (error) {
        if (!this.#isDiskFull) logger.error({ err: toError(error) }, "the log cannot be written: nothing is acknowledged until it can");
        this.#isDiskFull = true;
        if (this.#isAbandoned) throw error;
        await clock.sleep(RETRY_MS);
      }
    }
  }

  async #acknowledge(bundles: readonly GroupMember[], slot: number): Promise<void> {
    const tree = groupTree(bundles.map(({ hash }) => hash));
    const previous = this.head;
    const position = bundles.reduce((sum, { count }) => sum + count, this.position);
    const head = nextHead(previous, tree.root(), position);
    const signature = await this.#options.signer.signHead(slot, position, head);
    this.head = head;
    this.position = position;
    this.signed = { slot, position, head, signature };
    for (const [index, { ran }] of bundles.entries()) ran.durable({ previous, head, slot, position, index, path: tree.proof(index) }, signature);
  }
}
