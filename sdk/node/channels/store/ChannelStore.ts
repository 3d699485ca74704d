import { randomBytes } from "node:crypto";

import { FilesError } from "../../../../runtime/files/FilesError.ts";
import { lockDataDir } from "../../../../runtime/files/lockDataDir.ts";
import type { DataDirLock } from "../../../../runtime/files/lockDataDir.ts";
import { shellError } from "../ChannelShellError.ts";
import type { ChannelShellError } from "../ChannelShellError.ts";
import { ChannelLog } from "./ChannelLog.ts";
import type { LogOptions } from "./ChannelLog.ts";
import type { LogEntry } from "./groupCodec.ts";

/** The store's own entry, with which a log begins: 16 random bytes that name it. */
const NAME = 1;
const NOBODY = new Uint8Array(32);
const NAME_BYTES = 16;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");

/** What a channel keeps in the store, without its id. */
export interface ChannelRecord {
  /** 0 to 255. */
  readonly kind: number;
  readonly body: Uint8Array;
}

/**
 * The channels of one process in one folder: one log for all of them, so that they share each fdatasync. One process at a time may
 * have it open; each opening has a random instance id, with which the engines log their epoch: of two copies of a store the peer
 * serves only the one that was started last (docs/CHANNELS.md section 4).
 */
export class ChannelStore {
  readonly dir: string;
  /** 16 random bytes of this opening. */
  readonly instance: Uint8Array;
  /** 16 random bytes, as hex, that the store and its copies have for ever. */
  readonly name: string;
  readonly #lock: DataDirLock;
  readonly #log: ChannelLog;
  readonly #found: Map<string, LogEntry[]>;
  readonly #snapshots = new Map<string, { readonly channelId: Uint8Array; readonly take: () => Iterable<ChannelRecord> }>();

  private constructor(dir: string, lock: DataDirLock, log: ChannelLog, found: Map<string, LogEntry[]>, name: string) {
    this.dir = dir;
    this.#lock = lock;
    this.#log = log;
    this.#found = found;
    this.name = name;
    this.instance = Uint8Array.from(randomBytes(NAME_BYTES));
  }

  /**
   * Opens a folder, which is made when it is not there.
   * @throws ChannelShellError `channel/store-locked`, `channel/store-format`, `channel/store-damaged`
   */
  static open(dir: string, options: LogOptions = {}): ChannelStore {
    const lock = lockStore(dir);
    try {
      const log = new ChannelLog(dir, options);
      const found = new Map<string, LogEntry[]>();
      let name = "";
      for (const entry of log.recover(() => [{ channelId: NOBODY, kind: NAME, body: Uint8Array.from(randomBytes(NAME_BYTES)) }])) {
        const id = hex(entry.channelId);
        if (id === hex(NOBODY)) name = hex(entry.body);
        else if (found.get(id)?.push(entry) === undefined) found.set(id, [entry]);
      }
      const store = new ChannelStore(dir, lock, log, found, name);
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
  get failure(): ChannelShellError | undefined {
    return this.#log.failure;
  }

  /** How often the disk was waited for: one fdatasync each. */
  get commits(): number {
    return this.#log.commits;
  }

  /** Ids, 32 bytes each, of the channels that the store had when it was opened. */
  get channelIds(): Uint8Array[] {
    return [...this.#found.values()].map(([first]) => Uint8Array.from(first.channelId));
  }

  /**
   * Begins the life of a channel: gives its records in order, from its newest snapshot on.
   * @param snapshot everything that it has appended so far, in as few records as it can; asked for when the log is made shorter
   * @throws ChannelShellError `channel/exists` when it is in use already
   */
  attach(channelId: Uint8Array, snapshot: () => Iterable<ChannelRecord>): readonly ChannelRecord[] {
    const id = hex(channelId);
    if (this.#snapshots.has(id)) throw shellError("channel/exists", { channelId: id });
    const records = this.#found.get(id) ?? [];
    this.#snapshots.set(id, { channelId: Uint8Array.from(channelId), take: snapshot });
    return records;
  }

  /** The records that {@link attach} gave have been read: their memory is let go. */
  release(channelId: Uint8Array): void {
    if (this.#snapshots.has(hex(channelId))) this.#found.delete(hex(channelId));
  }

  /** The records of a channel that nobody has attached. */
  peek(channelId: Uint8Array): readonly ChannelRecord[] {
    return this.#found.get(hex(channelId)) ?? [];
  }

  /** Ends what {@link attach} began: the channel may be attached again. */
  detach(channelId: Uint8Array): void {
    const id = hex(channelId);
    const attached = this.#snapshots.get(id);
    if (attached === undefined) return;
    if (!this.#found.has(id)) this.#found.set(id, [...attached.take()].map(({ kind, body }) => ({ channelId: attached.channelId, kind, body })));
    this.#snapshots.delete(id);
  }

  /** Leaves out a channel whose money is settled from the next compaction on. */
  forget(channelId: Uint8Array): void {
    this.#found.delete(hex(channelId));
    this.#snapshots.delete(hex(channelId));
  }

  /** Queues a record; the bytes are copied. */
  append(channelId: Uint8Array, kind: number, body: Uint8Array): void {
    this.#log.append(channelId, kind, body);
  }

  /** Has all that was appended outlive this process, if it can be done at once; see {@link ChannelLog.write}. */
  write(): boolean {
    return this.#log.write();
  }

  /** Calls `done` when everything that was appended so far is on disk, or with the reason why it will never be. */
  whenDurable(done: (error?: ChannelShellError) => void): void {
    this.#log.whenDurable(done);
  }

  *#everything(): Generator<LogEntry> {
    yield { channelId: NOBODY, kind: NAME, body: Buffer.from(this.name, "hex") };
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
    if (error instanceof FilesError && error.code === "files/locked") throw shellError("channel/store-locked", { dir }, error.message, error);
    throw error;
  }
}
