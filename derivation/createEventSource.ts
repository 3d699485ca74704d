import type { JsonRpcApiProvider } from "ethers";

import { REORG_DEPTH_BLOCKS, blockSourceOf, createHeadWatcher } from "../chain/HeadWatcher.ts";
import type { BlockRef, HeadChange } from "../chain/HeadWatcher.ts";
import { DerivationError } from "./DerivationError.ts";

/** A block up to which everything was taken over. */
export interface L1Cursor {
  readonly blockNumber: number;
  readonly blockHash: string;
}

/** Who takes events over. Both calls must be durable, or repeatable, when they resolve. */
export interface EventConsumer<E> {
  /** Events of the blocks after the last cursor, up to `cursor`. May be empty. */
  onEvents(events: readonly E[], cursor: L1Cursor): Promise<void>;
  /** Blocks above `blockNumber` are gone: forget what came from them. */
  onRollback(blockNumber: number): Promise<void>;
}

export interface EventSourceOptions<E> {
  readonly provider: JsonRpcApiProvider;
  /** Nothing before this block is read. */
  readonly firstBlock: number;
  /** Reads the events of a range, or of its beginning: `readTo` says up to which block. */
  readonly read: (fromBlock: number, toBlock: number) => Promise<{ readonly events: readonly E[]; readonly readTo: number }>;
  readonly consumer: EventConsumer<E>;
  /** What was taken over before, oldest first; the newest that is still canonical is where reading goes on. */
  readonly cursors?: readonly L1Cursor[];
  /** Blocks are read once this many others stand on them. */
  readonly depth?: number;
  readonly pollMs: number;
  /** Most blocks asked for at once. */
  readonly rangeBlocks?: number;
  readonly onError: (error: unknown) => void;
  /** Told once when it works again after errors. */
  readonly onRecovered?: () => void;
}

/** A reader of events, block by block. */
export interface EventSource {
  start(): void;
  stop(): Promise<void>;
  /** Reads at once what is there. */
  poll(): Promise<void>;
  readonly head: BlockRef | undefined;
  readonly cursor: L1Cursor | undefined;
}

const DEFAULT_RANGE_BLOCKS = 1_000;

/** Reads events from L1 block by block, tells of reorganisations, and never skips or repeats a block. */
export function createEventSource<E>(options: EventSourceOptions<E>): EventSource {
  const { provider, firstBlock, consumer, depth = 0, rangeBlocks = DEFAULT_RANGE_BLOCKS } = options;
  const blocks = blockSourceOf(provider);
  let cursors: L1Cursor[] = [...(options.cursors ?? [])];
  let isResumed = false;

  /** Drops cursors whose blocks are gone, and tells the consumer if there were any. */
  async function dropLostCursors(): Promise<void> {
    const before = cursors.at(-1);
    let kept = cursors.length;
    while (kept > 0) {
      const cursor = cursors[kept - 1];
      if (cursor === undefined || (await blocks.byNumber(cursor.blockNumber))?.hash === cursor.blockHash) break;
      kept -= 1;
    }
    if (before === undefined || kept === cursors.length) return;
    await consumer.onRollback(cursors[kept - 1]?.blockNumber ?? firstBlock - 1);
    cursors = cursors.slice(0, kept);
  }

  /** The chain moved under our reading: look for lost cursors again, then go on. */
  function moved(block: number): DerivationError {
    isResumed = false;
    return new DerivationError("derivation/moved", { block }, "retry", { what: `Block ${block} changed while it was read`, todo: "The next turn reads it again" });
  }

  /**
   * One range, or its beginning when it holds many data, checked to be of one and the same chain, and to stand on the last cursor: the hash of its last block binds all
   * before it, and so the newest cursor that is canonical vouches for all older ones.
   */
  async function readRange(from: number, to: number): Promise<{ events: readonly E[]; cursor: L1Cursor }> {
    const end = await blocks.byNumber(to);
    const first = from === to ? end : await blocks.byNumber(from);
    const below = cursors.at(-1);
    if (below?.blockNumber === from - 1 && first?.parentHash !== below.blockHash) throw moved(from);
    const { events, readTo } = await options.read(from, to);
    const last = readTo === to ? end : await blocks.byNumber(readTo);
    const again = await blocks.byNumber(to);
    if (end === undefined || last === undefined || again?.hash !== end.hash) throw moved(to);
    return { events, cursor: { blockNumber: readTo, blockHash: last.hash } };
  }

  async function advance(change: HeadChange): Promise<void> {
    if (!isResumed || change.rollbackTo !== undefined) await dropLostCursors();
    isResumed = true;
    const target = change.tip.number - depth;
    let next = (cursors.at(-1)?.blockNumber ?? firstBlock - 1) + 1;
    while (next <= target) {
      // Near the head blocks are taken one by one, so that a reorganisation rolls back no more than it must.
      const isNearHead = next > change.tip.number - REORG_DEPTH_BLOCKS;
      const to = isNearHead ? next : Math.min(target, next + rangeBlocks - 1, change.tip.number - REORG_DEPTH_BLOCKS);
      const { events, cursor } = await readRange(next, to);
      await consumer.onEvents(events, cursor);
      cursors = [...cursors, cursor].slice(-2 * REORG_DEPTH_BLOCKS);
      next = cursor.blockNumber + 1;
    }
  }

  const { pollMs, onError, onRecovered } = options;
  const watcher = createHeadWatcher({ source: blocks, pollMs, onChange: advance, onError, ...(onRecovered === undefined ? {} : { onRecovered }) });
  return {
    start: () => watcher.start(),
    stop: () => watcher.stop(),
    poll: () => watcher.poll(),
    get head() {
      return watcher.tip;
    },
    get cursor() {
      return cursors.at(-1);
    },
  };
}
