import { randomBytes } from "node:crypto";

import { FilesError } from "../../../../runtime/files/FilesError.ts";
import { lockDataDir } from "../../../../runtime/files/lockDataDir.ts";
import type { DataDirLock } from "../../../../runtime/files/lockDataDir.ts";
import { channelError } from "../ChannelError.ts";
import type { ChannelError } from "../ChannelError.ts";
import { ChannelLog } from "./ChannelLog.ts";
import type { LogOptions } from "./ChannelLog.ts";
import type { LogEntry } from "./groupCodec.ts";

/** The store's own entries: a life of it, which is one opening. */
const LIFE = 1;
const NOBODY = new Uint8Array(32);
export const INSTANCE_BYTES = 16;
/** Lives whose instance is kept, so that a peer that was away can still be shown which one it saw. */
const KEPT_LIVES = 64;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");

/** What a channel keeps in the store, without its id. */
export interface ChannelRecord {
  /** 0 to 255. */
  readonly kind: number;
  readonly body: Uint8Array;
}

/**
 * The channels of one process in one folder: one log for all of them, so that they share each fdatasync. One process at a time may have it
 * open; each opening is a life with a random instance id, which is on disk before anything is signed. A store that was copied
 * has lives that the other copy has not, and a peer that was shown one of them can tell.
 */
export class ChannelStore {
  readonly dir: string;
  /** 16 random bytes of this life. */
  readonly instance: Uint8Array;
  /** The instances of the lives before, the newest last. */
  readonly lives: readonly string[];
  readonly #lock: DataDirLock;
  readonly #log: ChannelLog;
  readonly #found: Map<string, LogEntry[]>;
  readonly #snapshots = new Map<string, { readonly channelId: Uint8Array; readonly take: () => Iterable<ChannelRecord> }>();

  private constructor(dir: string, lock: DataDirLock, log: ChannelLog, found: Map<string, LogEntry[]>, lives: readonly string[]) {
    this.dir = dir;
    this.#lock = lock;
    this.#log = log;
    this.#found = found;
    this.lives = lives;
    this.instance = Uint8Array.from(randomBytes(INSTANCE_BYTES));
  }

  /**
   * Opens a folder, which is made when it is not there.
   * @throws ChannelError `channel/store-locked`, `channel/store-format`, `channel/store-damaged`, `channel/store-failed`, `channel/store-full`
   */
  static async open(dir: string, options: LogOptions = {}): Promise<ChannelStore> {
    const lock = lockStore(dir);
    try {
      const log = new ChannelLog(dir, options);
      const found = new Map<string, LogEntry[]>();
      const lives: string[] = [];
      for (const entry of log.recover(() => [{ channelId: NOBODY, kind: LIFE, body: Uint8Array.from(randomBytes(INSTANCE_BYTES)) }])) {
        const id = hex(entry.channelId);
        if (id === hex(NOBODY)) lives.push(hex(entry.body));
        else if (found.get(id)?.push(entry) === undefined) found.set(id, [entry]);
      }
      const store = new ChannelStore(dir, lock, log, found, lives.slice(-KEPT_LIVES));
      log.append(NOBODY, LIFE, store.instance);
      await store.#untilDurable();
      log.compactWith(() => store.#everything());
      return store;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** While true the disk has no room, and nothing becomes durable. */
  get isFull(): boolean {
    return this.#log.isFull;
  }

  /** Why nothing more can be written; undefined while all is well. */
  get failure(): ChannelError | undefined {
    return this.#log.failure;
  }

  /** Groups that were written, each with one fdatasync. */
  get commits(): number {
    return this.#log.groups;
  }

  /** Ids, 32 bytes each, of the channels that the store had when it was opened. */
  get channelIds(): Uint8Array[] {
    return [...this.#found.values()].map(([first]) => Uint8Array.from(first.channelId));
  }

  /**
   * Begins the life of a channel: gives its records in order, from its newest snapshot on.
   * @param snapshot everything that it has appended so far, in as few records as it can; asked for when the log is made shorter
   * @throws ChannelError `channel/exists` when it is in use already
   */
  attach(channelId: Uint8Array, snapshot: () => Iterable<ChannelRecord>): readonly ChannelRecord[] {
    const id = hex(channelId);
    if (this.#snapshots.has(id)) throw channelError("channel/exists", { channelId: id });
    const records = this.#found.get(id) ?? [];
    this.#snapshots.set(id, { channelId: Uint8Array.from(channelId), take: snapshot });
    return records;
  }

  /** The records that {@link attach} gave have been read: their memory is let go. */
  release(channelId: Uint8Array): void {
    if (this.#snapshots.has(hex(channelId))) this.#found.delete(hex(channelId));
  }

  /** Ends the part of a channel whose money is settled: the next compaction leaves it out. */
  forget(channelId: Uint8Array): void {
    this.#found.delete(hex(channelId));
    this.#snapshots.delete(hex(channelId));
  }

  /** Queues a record; the bytes are copied. */
  append(channelId: Uint8Array, kind: number, body: Uint8Array): void {
    this.#log.append(channelId, kind, body);
  }

  /** Calls `done` when everything that was appended so far is on disk, or with the reason why it will never be. */
  whenDurable(done: (error?: ChannelError) => void): void {
    this.#log.whenDurable(done);
  }

  #untilDurable(): Promise<void> {
    return new Promise((resolve, reject) => this.#log.whenDurable((error) => (error === undefined ? resolve() : reject(error))));
  }

  *#everything(): Generator<LogEntry> {
    for (const life of [...this.lives, hex(this.instance)]) yield { channelId: NOBODY, kind: LIFE, body: Buffer.from(life, "hex") };
    // A channel that nobody has attached yet keeps its records as they are.
    for (const [id, entries] of this.#found) if (!this.#snapshots.has(id)) yield* entries;
    for (const { channelId, take } of this.#snapshots.values()) for (const { kind, body } of take()) yield { channelId, kind, body };
  }

  /** Waits for what was asked to be durable and lets go of the folder. On a full disk those who wait are told. */
  async close(): Promise<void> {
    try {
      await this.#log.close();
    } finally {
      this.#lock.release();
    }
  }
}

function lockStore(dir: string): DataDirLock {
  try {
    return lockDataDir(dir, "channels.lock");
  } catch (error) {
    if (error instanceof FilesError && error.code === "files/locked") throw channelError("channel/store-locked", { dir }, error.message, error);
    throw error;
  }
}
