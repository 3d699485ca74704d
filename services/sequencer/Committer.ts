import type { Clock } from "../../runtime/clock/Clock.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { groupTree, headDigest, nextHead } from "./Heads.ts";
import { encodeGroup } from "./log/LogEntry.ts";
import { FRAME_BYTES } from "./log/SegmentLog.ts";
import type { LogPlace, SegmentLog } from "./log/SegmentLog.ts";
import type { RanBundle } from "./RanBundle.ts";

const RETRY_MS = 500;

/** A bundle of a group: its hash goes into the signed head, and it is told. */
export interface GroupMember {
  readonly hash: Uint8Array;
  /** Records. */
  readonly count: number;
  readonly ran: RanBundle;
}

/** Something for the log. `written` is called, in order, once it is on disk. */
export interface Write {
  readonly payload: Uint8Array;
  /** Set for a bundle: it is part of the group's signed head. */
  readonly bundle: GroupMember | undefined;
  readonly written: ((from: LogPlace, to: LogPlace) => void) | undefined;
}

export interface CommitterOptions {
  readonly log: SegmentLog;
  readonly domainSeparator: Uint8Array;
  readonly signDigest: (digest: Uint8Array) => Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onGroup: (bundles: number) => void;
}

/**
 * Group commit: while one group is being written, the next one gathers. Only what is on disk is acknowledged and signed, one
 * signature a group. When the disk refuses, the group is tried again until it takes it; nothing is acknowledged meanwhile.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #waiting: Write[] = [];
  #loop: Promise<void> | undefined;
  #isDiskFull = false;
  /** keccak256 chain over all groups so far, and the records that it covers. */
  head: Uint8Array = new Uint8Array(32);
  position = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** True while the disk refuses to take a group. */
  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  add(write: Write): void {
    this.#waiting.push(write);
    this.#loop ??= this.#run();
  }

  /** Resolves when everything added so far is on disk. */
  async idle(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop;
  }

  async #run(): Promise<void> {
    // What arrives in the same turn of the event loop shares a group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#commit(group);
    }
    this.#loop = undefined;
  }

  async #commit(group: readonly Write[]): Promise<void> {
    const { log } = this.#options;
    const bundles = group.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]));
    const opening = bundles.length > 0 ? [encodeGroup(bundles.length)] : [];
    const start = await this.#write([...opening, ...group.map(({ payload }) => payload)]);
    if (bundles.length > 0) this.#acknowledge(bundles);
    let offset = start.offset + opening.reduce((sum, payload) => sum + FRAME_BYTES + payload.length, 0);
    for (const { payload, written } of group) {
      const end = offset + FRAME_BYTES + payload.length;
      written?.({ segment: start.segment, offset }, { segment: start.segment, offset: end });
      offset = end;
    }
    this.#options.onGroup(bundles.length);
    await log.rotateWhenLarge();
  }

  async #write(payloads: readonly Uint8Array[]): Promise<LogPlace> {
    const { log, clock, logger } = this.#options;
    for (;;) {
      const start = log.end;
      try {
        await log.append(payloads);
        if (this.#isDiskFull) logger.info("the log can be written again");
        this.#isDiskFull = false;
        return start;
      } catch (error) {
        if (!this.#isDiskFull) logger.error({ err: toError(error) }, "the log cannot be written: nothing is acknowledged until it can");
        this.#isDiskFull = true;
        await clock.sleep(RETRY_MS);
      }
    }
  }

  #acknowledge(bundles: readonly GroupMember[]): void {
    const { domainSeparator, signDigest } = this.#options;
    const tree = groupTree(bundles.map(({ hash }) => hash));
    for (const { count } of bundles) this.position += count;
    const previous = this.head;
    this.head = nextHead(previous, tree.root(), this.position);
    const signature = signDigest(headDigest(domainSeparator, this.position, this.head));
    for (const [index, { ran }] of bundles.entries()) ran.durable({ previous, head: this.head, position: this.position, index, signature, path: tree.proof(index) });
  }
}
