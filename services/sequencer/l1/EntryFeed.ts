import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { batchDataRoot, entryHash, toHex } from "../../../core/codec/index.ts";
import { atHead, nextBlockTime } from "./atHead.ts";
import { L1SideError } from "./L1SideError.ts";
import type { EntryConsumer, FedEntry } from "./ports.ts";
import { readQueuedEntries } from "./readQueuedEntries.ts";

/** Entries whose hashes are remembered, to notice when L1 replaces one that was handed over. */
const REMEMBERED = 512;
/** Hashes asked for at once. */
const PARALLEL_READS = 16;
/** A block may be older than the node's idea of the next one, by a slot of L1. */
const MAX_CLOCK_MARGIN_SECONDS = 15;

export interface EntryFeedOptions {
  readonly provider: JsonRpcApiProvider;
  readonly contracts: Pick<RootContracts, "inbox">;
  readonly inboxAddress: string;
  /** L1 block before which there is no entry. */
  readonly firstBlock: number;
  /** An entry is handed over once so many blocks stand on its own. */
  readonly depth: number;
  /** Most blocks asked for at once. */
  readonly rangeBlocks: number;
  readonly consumer: EntryConsumer;
}

export interface FeedStatus {
  /** Entries on L1, and those deep enough to be executed. */
  readonly queued: number;
  readonly deepEnough: number;
  /** From this time on an entry may be due that is not handed over yet: no batch may reach it. 0 before the first look. */
  readonly l2TimeEnd: number;
  /** Entries that were handed over are gone from L1, for now. */
  readonly missing: number;
}

/** Hands entries of the queue over, each once and in order, as soon as they are deep enough. */
export class EntryFeed {
  readonly #options: EntryFeedOptions;
  readonly #handed = new Map<number, string>();
  /** Blocks below are read; undefined before the first turn. */
  #nextBlock: number | undefined;
  #seenHash = "";
  #delaySeconds: number | undefined;
  #status: FeedStatus = { queued: 0, deepEnough: 0, l2TimeEnd: 0, missing: 0 };

  constructor(options: EntryFeedOptions) {
    this.#options = options;
  }

  get status(): FeedStatus {
    return this.#status;
  }

  /**
   * Reads and hands over once.
   * @throws L1SideError `l1/entry-replaced` (stop), `l1/entry-mismatch`, `l1/moved` (retry); ChainError
   */
  async turn(): Promise<void> {
    const { consumer, provider } = this.#options;
    let range: { readonly hasMore: boolean; readonly l2TimeEnd?: number };
    try {
      do range = await this.#readRange();
      while (range.hasMore);
    } catch (error) {
      // Whatever was skipped, it lies after what the consumer has.
      this.#nextBlock = undefined;
      throw error;
    }
    const l2TimeEnd = range.l2TimeEnd ?? (await atHead(provider, (head) => this.#readLimit(head)));
    this.#status = { ...this.#status, l2TimeEnd };
    consumer.onTimeLimit?.(l2TimeEnd);
  }

  /** Tells whether there is more to be read; when nothing was, the limit at the same block too. */
  async #readRange(): Promise<{ readonly hasMore: boolean; readonly l2TimeEnd?: number }> {
    const { consumer, provider } = this.#options;
    const { fed, ...limit } = await atHead(provider, async (head) => {
      const read = await this.#read(head);
      // What is handed over moves the limit: it is read after that.
      const isNext = read !== undefined && (read.entries.length > 0 || read.hasMore);
      return { fed: read, ...(isNext ? {} : { l2TimeEnd: await this.#readLimit(head) }) };
    });
    if (fed === undefined) return { hasMore: false, ...limit };
    if (fed.entries.length > 0) {
      await consumer.onEntries(fed.entries);
      for (const { entry } of fed.entries) this.#remember(entry.index, toHex(entryHash(entry)));
    }
    // Only now: what was not taken over is read again.
    this.#nextBlock = fed.toBlock + 1;
    return { hasMore: fed.hasMore, ...limit };
  }

  /** New entries that are deep enough, of one and the same chain; undefined when there is no block to be read. */
  async #read(head: BlockRef): Promise<{ entries: FedEntry[]; toBlock: number; hasMore: boolean } | undefined> {
    const { contracts, consumer, provider, inboxAddress, firstBlock, depth, rangeBlocks } = this.#options;
    const target = head.number - depth;
    if (target < firstBlock) return undefined;
    const queuedAt = contracts.inbox.entryCount({ blockTag: head.number });
    const [queued, deepEnough] = await Promise.all([queuedAt, depth === 0 ? queuedAt : contracts.inbox.entryCount({ blockTag: target })]);
    const next = consumer.nextEntry();
    const end = Number(deepEnough);
    this.#status = { ...this.#status, queued: Number(queued), deepEnough: end, missing: Math.max(0, next - Number(queued)) };
    if (head.hash !== this.#seenHash) await this.#checkHanded(Number(queued), head.number);
    this.#seenHash = head.hash;

    const resumeBlock = Math.max(firstBlock, consumer.resumeBlock?.() ?? firstBlock);
    // When the blocks of what is wanted are read already, a reorganisation has put it there: begin before them again.
    if (this.#nextBlock === undefined || (end > next && this.#nextBlock > target)) this.#nextBlock = resumeBlock;
    if (this.#nextBlock > target) return undefined;
    if (end <= next) return { entries: [], toBlock: target, hasMore: false };
    const toBlock = Math.min(target, this.#nextBlock + rangeBlocks - 1);
    const read = await readQueuedEntries(provider, inboxAddress, this.#nextBlock, toBlock);
    const entries = read.filter(({ entry }) => entry.index >= next);
    this.#checkContiguous(entries, next, toBlock === target ? end : next + entries.length);
    await this.#verify(entries, head.number);
    return { entries, toBlock, hasMore: toBlock < target };
  }

  /** What was executed must stay on L1 as it was. */
  async #checkHanded(queued: number, blockTag: number): Promise<void> {
    const present = [...this.#handed].filter(([index]) => index < queued).slice(-PARALLEL_READS);
    await Promise.all(
      present.map(async ([index, expected]) => {
        const actual = await this.#options.contracts.inbox.entryHash(index, { blockTag });
        if (actual === expected) return;
        throw new L1SideError("l1/entry-replaced", { index, expected, actual }, "stop", {
          what: `Entry ${index}, which was handed over, is another one on L1 now`,
          why: "A reorganisation reached below the configured depth",
          todo: "Restart from L1 with a larger depth",
        });
      }),
    );
  }

  async #verify(fed: readonly FedEntry[], blockTag: number): Promise<void> {
    for (let at = 0; at < fed.length; at += PARALLEL_READS) {
      await Promise.all(fed.slice(at, at + PARALLEL_READS).map(({ entry }) => this.#verifyOne(entry, blockTag)));
    }
  }

  async #verifyOne(entry: FedEntry["entry"], blockTag: number): Promise<void> {
    const { index } = entry;
    const actual = toHex(entryHash({ ...entry, dataRoot: entry.slots === 0 ? entry.dataRoot : batchDataRoot(entry.data) }));
    const expected = await this.#options.contracts.inbox.entryHash(index, { blockTag });
    if (actual !== expected) throw mismatch(index, expected, actual, `The event of entry ${index} does not have the hash that the Inbox holds`);
  }

  #checkContiguous(entries: readonly FedEntry[], next: number, end: number): void {
    const gap = entries.findIndex(({ entry }, at) => entry.index !== next + at);
    if (gap < 0 && next + entries.length === end) return;
    const missing = gap < 0 ? next + entries.length : next + gap;
    throw mismatch(missing, String(missing), String(entries[gap]?.entry.index), `The endpoint left out entry ${missing}`);
  }

  #remember(index: number, hash: string): void {
    this.#handed.set(index, hash);
    this.#handed.delete(index - REMEMBERED);
  }

  /** Which times are free: up to the due time of the oldest entry that waits, or of one that may be queued from now on. */
  async #readLimit(head: BlockRef): Promise<number> {
    const { contracts, consumer, provider } = this.#options;
    this.#delaySeconds ??= Number((await contracts.inbox.config()).inclusionDelaySeconds);
    const next = consumer.nextEntry();
    const at = { blockTag: head.number };
    // RULES B-3: the due time is the hash's last four bytes.
    if (next < Number(await contracts.inbox.entryCount(at))) return Number(`0x${(await contracts.inbox.entryHash(next, at)).slice(-8)}`);
    const marginSeconds = Math.min(MAX_CLOCK_MARGIN_SECONDS, Math.floor(this.#delaySeconds / 4));
    return Math.max(head.timestamp, (await nextBlockTime(provider, head)) - marginSeconds) + this.#delaySeconds;
  }
}

function mismatch(index: number, expected: string, actual: string, what: string): L1SideError {
  return new L1SideError("l1/entry-mismatch", { index, expected, actual }, "retry", { what, todo: "Check the L1 endpoint; the entry is read again" });
}
