import type { JsonRpcApiProvider } from "ethers";

import { ChainError } from "./ChainError.ts";
import { pollingLoop } from "./pollingLoop.ts";
import type { PollingLoop } from "./pollingLoop.ts";

export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
  /** unix seconds */
  readonly timestamp: number;
}

/** One change of the canonical chain: first what was undone (if anything), then what is new, oldest first. */
export interface HeadChange {
  /** Blocks above this number are gone; undefined when the chain only grew. */
  readonly rollbackTo?: number;
  readonly blocks: readonly BlockRef[];
  readonly tip: BlockRef;
}

/** Where the watcher reads blocks from. */
export interface BlockSource {
  latest(): Promise<BlockRef>;
  /** The canonical block of that number, undefined when there is none. */
  byNumber(number: number): Promise<BlockRef | undefined>;
}

export interface HeadWatcherOptions {
  readonly source: BlockSource;
  readonly pollMs: number;
  /** How deep a reorganisation may be; blocks remembered. */
  readonly depth?: number;
  /** Called in order and awaited; when it fails the same change is reported again on the next turn. */
  readonly onChange: (change: HeadChange) => Promise<void> | void;
  /** Unreachable L1 (it goes on trying, slower and slower) or `L1_REORG_TOO_DEEP` (it has stopped). */
  readonly onError: (error: unknown) => void;
  /** Told once when it works again after errors. */
  readonly onRecovered?: () => void;
}

export interface HeadWatcher {
  start(): void;
  stop(): Promise<void>;
  /** Looks at once; used by tests and by wake-ups. */
  poll(): Promise<void>;
  readonly tip: BlockRef | undefined;
}

export const REORG_DEPTH_BLOCKS = 64;

export function blockSourceOf(provider: JsonRpcApiProvider): BlockSource {
  const read = async (tag: string): Promise<BlockRef | undefined> => {
    const block = (await provider.send("eth_getBlockByNumber", [tag, false])) as {
      number: string;
      hash: string;
      parentHash: string;
      timestamp: string;
    } | null;
    if (block === null) return undefined;
    const { hash, parentHash } = block;
    return { number: Number(block.number), hash, parentHash, timestamp: Number(block.timestamp) };
  };
  return {
    latest: async () => {
      const block = await read("latest");
      if (block === undefined) throw new ChainError("L1_RPC", "the endpoint has no latest block");
      return block;
    },
    byNumber: (number) => read(`0x${number.toString(16)}`),
  };
}

/** Follows the canonical chain by polling and tells what was undone and what is new, by block hash. */
export function createHeadWatcher(options: HeadWatcherOptions): HeadWatcher {
  const { source, pollMs, onChange, onError, depth = REORG_DEPTH_BLOCKS } = options;
  let known: readonly BlockRef[] = [];

  /** The highest known block that is still canonical; -1 when none of them is. */
  async function commonAncestor(latest: BlockRef): Promise<number> {
    for (let index = known.length - 1; index >= 0; index -= 1) {
      const block = known[index];
      if (block === undefined || block.number > latest.number) continue;
      const canonical = block.number === latest.number ? latest : await source.byNumber(block.number);
      if (canonical?.hash === block.hash) return index;
    }
    return -1;
  }

  async function readBlocks(from: number, latest: BlockRef): Promise<BlockRef[] | undefined> {
    const numbers = Array.from({ length: Math.max(0, latest.number - from) }, (_, index) => from + index);
    const older = await Promise.all(numbers.map((number) => source.byNumber(number)));
    if (older.includes(undefined)) return undefined;
    const blocks = [...(older as BlockRef[]), latest];
    const isLinked = blocks.every((block, index) => index === 0 || block.parentHash === blocks[index - 1]?.hash);
    return isLinked ? blocks : undefined;
  }

  /** The first look: remembers the past so that a reorganisation of it is seen, and reports only the tip. */
  async function begin(latest: BlockRef): Promise<void> {
    const past = await readBlocks(Math.max(0, latest.number - depth + 1), latest);
    if (past === undefined) return;
    await onChange({ blocks: [latest], tip: latest });
    known = past;
  }

  async function look(): Promise<void> {
    const latest = await source.latest();
    const tip = known.at(-1);
    if (tip === undefined) return begin(latest);
    if (tip.hash === latest.hash) return;
    let ancestor = known.length - 1;
    if (latest.parentHash !== tip.hash) ancestor = await commonAncestor(latest);
    if (ancestor < 0) {
      const values = { depth, tip: tip.number, latest: latest.number };
      throw new ChainError("L1_REORG_TOO_DEEP", `nothing of the last ${known.length} blocks is left`, values);
    }
    const kept = known.slice(0, ancestor + 1);
    const base = kept.at(-1);
    const from = Math.max((base?.number ?? 0) + 1, latest.number - depth + 1);
    const blocks = latest.hash === base?.hash ? [] : await readBlocks(from, latest);
    if (blocks === undefined) return; // The chain moved while it was read: the next turn sees a whole one.
    if (base !== undefined && blocks[0]?.number === base.number + 1 && blocks[0].parentHash !== base.hash) return;
    const isRollback = base !== undefined && base.number < tip.number;
    await onChange({ ...(isRollback ? { rollbackTo: base.number } : {}), blocks, tip: latest });
    known = [...kept, ...blocks].slice(-depth);
  }

  const loop: PollingLoop = pollingLoop({ turn: look, pollMs, onError, ...(options.onRecovered === undefined ? {} : { onRecovered: options.onRecovered }) });
  return {
    start: () => loop.start(),
    stop: () => loop.stop(),
    poll: () => loop.runNow(),
    get tip() {
      return known.at(-1);
    },
  };
}
