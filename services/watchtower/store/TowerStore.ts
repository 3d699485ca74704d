import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

import { otherSide } from "../../../chain/tower/TowerState.ts";
import type { StateRank } from "../../../chain/tower/TowerState.ts";
import type { Side } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { TowerError } from "../TowerError.ts";

/** What the index has of a watched state; the body is on disk. */
export interface WatchedRef extends StateRank {
  /** 0x-hexadecimal. */
  readonly channelId: string;
  readonly side: Side;
  readonly home: number;
  /** What the base says that either side has paid: two bases of one version that differ exclude each other. */
  readonly basePaidA: number;
  readonly basePaidB: number;
  /** 1: endorsed by the side. */
  readonly isEndorsed: number;
  /** Last L1 second at which its signatures count; `NO_END` when they have no end. */
  readonly validUntil: number;
  /** End of the promise. */
  readonly until: number;
}

export interface Watched extends WatchedRef {
  /** JSON of the state. */
  readonly body: string;
}

export interface Sealed {
  /** 0x-hexadecimal, 16 bytes. */
  readonly locator: string;
  /** Whose key replaces it, 0x-hexadecimal. */
  readonly owner: string;
  readonly until: number;
  readonly body: Uint8Array;
}

/** A dispute that is followed until it is over, deep enough. */
export interface FollowedDispute {
  readonly channelId: string;
  /** L1 block since which it is closed, or open again; undefined while it is not. */
  readonly endedAtBlock: number | undefined;
}

export interface TowerStoreLimits {
  /** States in clear, one for each channel and side. */
  readonly maxChannels: number;
  readonly maxSealed: number;
  /** Sealed bodies under one locator: anyone can make more. */
  readonly maxPerLocator: number;
}

export const NO_END = 2 ** 40 - 1;

interface Waiting {
  /** Applies the change within the transaction; throws what is refused. */
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS watched (
    channel BLOB NOT NULL, side INTEGER NOT NULL, home INTEGER NOT NULL,
    version INTEGER NOT NULL, sequence INTEGER NOT NULL, paid INTEGER NOT NULL, basePaidA INTEGER NOT NULL, basePaidB INTEGER NOT NULL, isEndorsed INTEGER NOT NULL,
    validUntil INTEGER NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (channel, side)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sealed (
    locator BLOB NOT NULL, owner BLOB NOT NULL, until INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (locator, owner)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS disputes (channel BLOB PRIMARY KEY, endedAtBlock INTEGER) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;`;
const CACHE_KIB = 16_384;

function keyOf(channelId: string, side: Side): string {
  return `${channelId}${side}`;
}

/**
 * States on disk, an index of them in memory. What waits is written in one transaction (group commit, synchronous=FULL): a promise
 * to a caller resolves only after fsync. The folder belongs to one process (`lockDataDir`).
 */
export class TowerStore {
  readonly #database: DatabaseSync;
  readonly #limits: TowerStoreLimits;
  readonly #onBroken: (error: Error) => void;
  readonly #watched = new Map<string, WatchedRef>();
  readonly #sealed = new Map<string, Map<string, number>>();
  #sealedCount = 0;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #isBroken = false;
  readonly #statements: Readonly<Record<"putWatched" | "dropWatched" | "readWatched" | "putSealed" | "dropSealed" | "readSealed" | "putDispute" | "dropDispute" | "putMark", StatementSync>>;

  /** @param onBroken told when the index cannot be read from the disk again: the store is of no use any more */
  constructor(dir: string, limits: TowerStoreLimits, onBroken: (error: Error) => void) {
    mkdirSync(dir, { recursive: true });
    this.#limits = limits;
    this.#onBroken = onBroken;
    const database = new DatabaseSync(join(dir, "tower.sqlite"));
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB}; ${SCHEMA}`);
    this.#database = database;
    this.#statements = {
      putWatched: database.prepare("INSERT OR REPLACE INTO watched VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      dropWatched: database.prepare("DELETE FROM watched WHERE channel = ? AND side = ?"),
      readWatched: database.prepare("SELECT body FROM watched WHERE channel = ? AND side = ?"),
      putSealed: database.prepare("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?)"),
      dropSealed: database.prepare("DELETE FROM sealed WHERE locator = ? AND owner = ?"),
      readSealed: database.prepare("SELECT owner, until, body FROM sealed WHERE locator = ?"),
      putDispute: database.prepare("INSERT OR REPLACE INTO disputes VALUES (?, ?)"),
      dropDispute: database.prepare("DELETE FROM disputes WHERE channel = ?"),
      putMark: database.prepare("INSERT OR REPLACE INTO marks VALUES (?, ?)"),
    };
    this.#load();
  }

  #load(): void {
    type Row = Omit<WatchedRef, "channelId"> & { readonly channel: Uint8Array };
    const columns = "channel, side, home, version, sequence, paid, basePaidA, basePaidB, isEndorsed, validUntil, until";
    for (const row of this.#database.prepare(`SELECT ${columns} FROM watched`).iterate() as Iterable<Row>) {
      const { channel, ...rest } = row;
      const ref = { ...rest, channelId: toHex(channel) };
      this.#watched.set(keyOf(ref.channelId, ref.side), ref);
    }
    for (const row of this.#database.prepare("SELECT locator, owner, until FROM sealed").iterate() as Iterable<{ locator: Uint8Array; owner: Uint8Array; until: number }>) {
      this.#indexSealed(toHex(row.locator), toHex(row.owner), row.until);
    }
  }

  get watchedCount(): number {
    return this.#watched.size;
  }

  get sealedCount(): number {
    return this.#sealedCount;
  }

  get isFull(): boolean {
    return this.#watched.size >= this.#limits.maxChannels;
  }

  find(channelId: string, side: Side): WatchedRef | undefined {
    return this.#watched.get(keyOf(channelId, side));
  }

  isWatched(channelId: string): boolean {
    return this.find(channelId, 0) !== undefined || this.find(channelId, 1) !== undefined;
  }

  /** Ids of watched channels, each once. */
  *channelIds(): Iterable<string> {
    for (const { channelId, side } of this.#watched.values()) {
      if (side === 0 || this.find(channelId, otherSide(side)) === undefined) yield channelId;
    }
  }

  /** JSON of the state that is kept. */
  readBody(channelId: string, side: Side): string | undefined {
    return (this.#statements.readWatched.get(fromHex(channelId), side) as { body: string } | undefined)?.body;
  }

  readSealed(locator: string): Sealed[] {
    if (!this.#sealed.has(locator)) return [];
    const rows = this.#statements.readSealed.all(fromHex(locator)) as unknown as { owner: Uint8Array; until: number; body: Uint8Array }[];
    return rows.map(({ owner, until, body }) => ({ locator, owner: toHex(owner), until, body }));
  }

  /** Whether a state may take the place of what is there. @throws TowerError `tower/old-state`, `tower/contradiction`, `tower/endorsement`, `tower/full` */
  requireNewer(state: WatchedRef): void {
    const old = this.find(state.channelId, state.side);
    if (old === undefined) {
      if (this.isFull) throw new TowerError("tower/full", { limit: this.#limits.maxChannels });
      return;
    }
    const { version, sequence, paid } = old;
    if (state.version > version) return;
    if (state.version < version || state.sequence < sequence) throw new TowerError("tower/old-state", { version, sequence, paid });
    const isOtherBase = state.basePaidA !== old.basePaidA || state.basePaidB !== old.basePaidB;
    if (isOtherBase || state.paid < paid || (state.sequence === sequence && state.paid !== paid)) throw new TowerError("tower/contradiction", { version, sequence, paid });
    if (state.isEndorsed < old.isEndorsed) throw new TowerError("tower/endorsement", { version, sequence, paid });
    if (state.sequence === sequence && state.validUntil < old.validUntil) throw new TowerError("tower/old-state", { version, sequence, paid });
  }

  /** Resolves when it is on disk. @throws as `requireNewer`, and TowerError `tower/storage` */
  putWatched(state: Watched): Promise<void> {
    return this.#commit(() => {
      this.requireNewer(state);
      const { channelId, side, home, version, sequence, paid, basePaidA, basePaidB, isEndorsed, validUntil, until, body } = state;
      this.#statements.putWatched.run(fromHex(channelId), side, home, version, sequence, paid, basePaidA, basePaidB, isEndorsed, validUntil, until, body);
      this.#watched.set(keyOf(channelId, side), { channelId, side, home, version, sequence, paid, basePaidA, basePaidB, isEndorsed, validUntil, until });
    });
  }

  /** Resolves when it is on disk. @throws TowerError `tower/full`, `tower/storage` */
  putSealed({ locator, owner, until, body }: Sealed): Promise<void> {
    return this.#commit(() => {
      const under = this.#sealed.get(locator);
      const isNew = under?.has(owner) !== true;
      if (isNew && this.#sealedCount >= this.#limits.maxSealed) throw new TowerError("tower/full", { limit: this.#limits.maxSealed });
      if (isNew && (under?.size ?? 0) >= this.#limits.maxPerLocator) throw new TowerError("tower/full", { limit: this.#limits.maxPerLocator });
      this.#statements.putSealed.run(fromHex(locator), fromHex(owner), until, body);
      this.#indexSealed(locator, owner, until);
    });
  }

  #indexSealed(locator: string, owner: string, until: number): void {
    const under = this.#sealed.get(locator) ?? new Map<string, number>();
    if (!under.has(owner)) this.#sealedCount += 1;
    under.set(owner, until);
    this.#sealed.set(locator, under);
  }

  /** Forgets a channel that is over. */
  dropChannel(channelId: string): Promise<void> {
    return this.#commit(() => {
      for (const side of [0, 1] as const) {
        this.#statements.dropWatched.run(fromHex(channelId), side);
        this.#watched.delete(keyOf(channelId, side));
      }
    });
  }

  /** Forgets promises that ended before `now`, so that there is room for others. */
  dropEnded(now: number): Promise<void> {
    const watched = [...this.#watched.values()].filter(({ until }) => until < now);
    const sealed = [...this.#sealed].flatMap(([locator, under]) => [...under].filter(([, until]) => until < now).map(([owner]) => ({ locator, owner })));
    if (watched.length + sealed.length === 0) return Promise.resolve();
    return this.#commit(() => {
      for (const { channelId, side } of watched) {
        this.#statements.dropWatched.run(fromHex(channelId), side);
        this.#watched.delete(keyOf(channelId, side));
      }
      for (const { locator, owner } of sealed) {
        this.#statements.dropSealed.run(fromHex(locator), fromHex(owner));
        const under = this.#sealed.get(locator);
        if (under?.delete(owner) === true) this.#sealedCount -= 1;
        if (under?.size === 0) this.#sealed.delete(locator);
      }
    });
  }

  disputes(): FollowedDispute[] {
    const rows = this.#database.prepare("SELECT channel, endedAtBlock FROM disputes").all() as unknown as { channel: Uint8Array; endedAtBlock: number | null }[];
    return rows.map(({ channel, endedAtBlock }) => ({ channelId: toHex(channel), endedAtBlock: endedAtBlock ?? undefined }));
  }

  putDispute({ channelId, endedAtBlock }: FollowedDispute): Promise<void> {
    return this.#commit(() => void this.#statements.putDispute.run(fromHex(channelId), endedAtBlock ?? null));
  }

  dropDispute(channelId: string): Promise<void> {
    return this.#commit(() => void this.#statements.dropDispute.run(fromHex(channelId)));
  }

  /** A number under a name, e.g. the L1 block up to which events were read. */
  mark(name: string): number | undefined {
    return (this.#database.prepare("SELECT value FROM marks WHERE name = ?").get(name) as { value: number } | undefined)?.value;
  }

  putMark(name: string, value: number): Promise<void> {
    return this.#commit(() => void this.#statements.putMark.run(name, value));
  }

  /** Writes what waits, then lets go. */
  close(): void {
    this.#flush();
    this.#database.close();
  }

  #commit(apply: () => void): Promise<void> {
    if (this.#isBroken) return Promise.reject(new TowerError("tower/storage", {}));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ apply, resolve, reject });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const batch = this.#waiting;
    [this.#waiting, this.#isScheduled] = [[], false];
    if (batch.length === 0) return;
    const done: Waiting[] = [];
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const waiting of batch) {
        try {
          waiting.apply();
          done.push(waiting);
        } catch (error) {
          if (!(error instanceof TowerError)) throw error;
          waiting.reject(error);
        }
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      // Those that were refused have their answer already.
      for (const waiting of batch) waiting.reject(new TowerError("tower/storage", {}, { cause: error }));
      this.#undo();
      return;
    }
    for (const waiting of done) waiting.resolve();
  }

  /** The index is what the disk has. */
  #undo(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#watched.clear();
      this.#sealed.clear();
      this.#sealedCount = 0;
      this.#load();
    } catch (error) {
      this.#isBroken = true;
      this.#onBroken(new TowerError("tower/storage", {}, { cause: error, reaction: "stop" }));
    }
  }
}
