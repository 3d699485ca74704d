import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts, connectSequencerSet } from "../../../chain/connectContracts.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { encodeSubmitBatch } from "../../../chain/submitBatchCall.ts";
import { nextTryId } from "../../../chain/transactions/nextTryId.ts";
import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import { mayBeAskedAgain } from "../../../chain/transactions/reduceJournal.ts";
import { toHex } from "../../../core/codec/index.ts";
import { SLOT_BYTES } from "../../../core/generated/protocol.ts";
import { atHead, nextBlockTime } from "./atHead.ts";
import { decidePosting } from "./decidePosting.ts";
import type { BatchIntent, ForeignBatch, PostingAction, PostingLimits, PostingState, ReplacedEntry, UnpostedBatch } from "./decidePosting.ts";
import { batchIntentId } from "./intentIds.ts";
import { L1SideError } from "./L1SideError.ts";
import { OwnChain } from "./OwnChain.ts";
import type { CheckedBatches, SealedBatch, SealedBatches } from "./ports.ts";

/** Batches that one turn chains while it catches up with L1 after a start. */
const CHAINED_AT_ONCE = 256;
/** Hashes asked for at once. */
const PARALLEL_READS = 16;

export interface PosterOptions {
  readonly provider: JsonRpcApiProvider;
  readonly contracts: Pick<RootContracts, "inbox">;
  readonly inboxAddress: string;
  /** Who may post when, on a chain with operators. */
  readonly set?: ReturnType<typeof connectSequencerSet>;
  /** The posting account. */
  readonly address: string;
  readonly manager: Pick<TransactionManager, "submit" | "find" | "status">;
  readonly sealed: SealedBatches;
  readonly limits: PostingLimits;
}

/** Error of the Inbox when somebody else has the turn. */
const NOT_SEQUENCER = "NotSequencer";
const ZERO_HASH = `0x${"00".repeat(32)}`;

/** How far the transactions of one batch are. */
interface Tries {
  readonly intent: BatchIntent;
  /** Those that reverted. */
  readonly failures: number;
  /** Why the last one did. */
  readonly failure?: string;
}

/** Brings sealed batches to the Inbox, each once and in order. */
export class Poster implements CheckedBatches {
  readonly #options: PosterOptions;
  readonly #own: OwnChain;
  /** Batches that wait for L1, so that not every turn reads their data again. */
  readonly #waiting = new Map<number, Omit<SealedBatch, "data">>();
  #checked = 0;
  #batchCount = 0;

  constructor(options: PosterOptions) {
    this.#options = options;
    this.#own = new OwnChain(options.sealed);
  }

  /** Batches on L1, as of the last turn. */
  get batchCount(): number {
    return this.#batchCount;
  }

  checkedCount(): number {
    return this.#checked;
  }

  /** The calldata of a batch: always the same, whatever L1 has. */
  async calldataOf(index: number): Promise<string> {
    const expectedAccumulator = await this.#own.extendTo(index + 1);
    if (expectedAccumulator === undefined) throw new RangeError(`batch ${index} cannot be chained`);
    return encodeSubmitBatch({ ...(await this.#options.sealed.read(index)), expectedAccumulator });
  }

  /** Whether the Inbox has this batch. */
  async isPosted(index: number): Promise<boolean> {
    return (await this.#options.contracts.inbox.batchHash(index)) === (await this.#own.hashOf(index));
  }

  /**
   * Reads, decides and acts once.
   * @throws L1SideError with the reaction `stop` when L1 contradicts the log; ChainError
   */
  async turn(): Promise<readonly PostingAction[]> {
    const state = await this.read();
    const actions = decidePosting(state, this.#options.limits);
    const stop = actions.find((action) => action.type === "stop");
    if (stop?.type === "stop") throw stop.error;
    this.#checked = state.own === undefined ? Math.min(this.#checked, state.l1.batchCount) : state.l1.batchCount;
    await this.#perform(actions);
    return actions;
  }

  async read(): Promise<PostingState> {
    return await atHead(this.#options.provider, (head) => this.#readAt(head));
  }

  async #readAt(head: BlockRef): Promise<PostingState> {
    const { contracts, sealed } = this.#options;
    const at = { blockTag: head.number };
    const [batches, entryCount, consumedCount, lastL2Time, accumulator] = await Promise.all([
      contracts.inbox.batchCount(at),
      contracts.inbox.entryCount(at),
      contracts.inbox.consumedCount(at),
      contracts.inbox.lastL2Time(at),
      contracts.inbox.accumulator(at),
    ]);
    // Counted after the head is pinned: what is on L1 was sealed before.
    const sealedCount = sealed.count();
    const batchCount = Number(batches);
    this.#batchCount = batchCount;
    const timestamp = await nextBlockTime(this.#options.provider, head);
    const l1 = {
      batchCount,
      accumulator,
      entryCount: Number(entryCount),
      consumedCount: Number(consumedCount),
      lastL2Time: Number(lastL2Time),
      timestamp,
      maySubmit: (await this.#options.set?.maySubmitAt(this.#options.address, timestamp, at)) ?? true,
      // Only what is still to be sent can get into the way of it.
      hasUnknownPending: batchCount < sealedCount && (await this.#hasUnknownPending()),
    };
    const own = batchCount > sealedCount ? undefined : await this.#own.extendTo(batchCount, CHAINED_AT_ONCE);
    if (own === undefined) return { l1, sealedCount, own, unposted: [] };
    if (own !== accumulator) {
      await this.#own.extendTo(Math.min(sealedCount, batchCount + this.#options.limits.maxInFlight));
      return { l1, sealedCount, own, unposted: [], ...(await this.#findForeign(batchCount, accumulator, head.number)) };
    }
    return { l1, sealedCount, own, unposted: await this.#readUnposted(l1, sealedCount, head.number) };
  }

  async #hasUnknownPending(): Promise<boolean> {
    const { provider, manager, address } = this.#options;
    if (manager.status().pending > 0) return false;
    const [latest, pending] = await Promise.all([provider.getTransactionCount(address, "latest"), provider.getTransactionCount(address, "pending")]);
    return pending > latest && manager.status().pending === 0;
  }

  /** The first batch that L1 has another of; none when it is not the batches that differ, but what they stand on. */
  async #findForeign(batchCount: number, accumulator: string, blockNumber: number): Promise<{ foreign?: ForeignBatch }> {
    const read = async (index: number): Promise<ForeignBatch> => {
      const actual = await this.#options.contracts.inbox.batchHash(index, { blockTag: blockNumber });
      // No batch hashes to zero, and no accumulator comes twice: the node mixes two states, as it may while it takes in a block.
      if (actual !== ZERO_HASH && !this.#own.has(accumulator)) return { index, expected: await this.#own.hashOf(index), actual };
      throw new L1SideError("l1/moved", { block: blockNumber }, "retry", { what: `L1 block ${blockNumber} is not whole at the endpoint yet`, todo: "The next turn reads again" });
    };
    if (batchCount === 0) return {};
    let foreign = await read(batchCount - 1);
    if (foreign.expected === foreign.actual) return {};
    for (let low = 0; low < foreign.index; ) {
      const middle = await read(Math.floor((low + foreign.index) / 2));
      if (middle.expected === middle.actual) low = middle.index + 1;
      else foreign = middle;
    }
    return { foreign };
  }

  async #readUnposted(l1: PostingState["l1"], sealedCount: number, headNumber: number): Promise<UnpostedBatch[]> {
    const { limits, contracts } = this.#options;
    for (const index of this.#waiting.keys()) if (index < l1.batchCount) this.#waiting.delete(index);
    const unposted: UnpostedBatch[] = [];
    for (let index = l1.batchCount; index < Math.min(sealedCount, l1.batchCount + limits.maxInFlight); index += 1) {
      const batch = await this.#waitingBatch(index);
      const { l2Time, queueEnd, slots } = batch;
      const tries = this.#triesOf(index, headNumber);
      const isLeftOut = tries.intent === "open" && queueEnd < l1.entryCount;
      const entryHash = isLeftOut ? await contracts.inbox.entryHash(queueEnd, { blockTag: headNumber }) : undefined;
      // RULES B-3: the due time is the hash's last four bytes.
      const leftOutDueTime = entryHash === undefined ? undefined : Number(`0x${entryHash.slice(-8)}`);
      const replaced = tries.intent === "open" && queueEnd <= l1.entryCount ? await this.#findReplaced(batch, headNumber) : undefined;
      unposted.push({ index, l2Time, queueEnd, slots, bytes: slots * SLOT_BYTES, ...tries, leftOutDueTime, replaced });
    }
    return unposted;
  }

  async #waitingBatch(index: number): Promise<Omit<SealedBatch, "data">> {
    const known = this.#waiting.get(index);
    if (known !== undefined) return known;
    const { data: _data, ...batch } = await this.#options.sealed.read(index);
    this.#waiting.set(index, batch);
    return batch;
  }

  /** The first entry of the batch that L1 has another of. */
  async #findReplaced({ queueEnd, entryHashes }: Pick<SealedBatch, "queueEnd" | "entryHashes">, blockTag: number): Promise<ReplacedEntry | undefined> {
    const first = queueEnd - entryHashes.length;
    for (let at = 0; at < entryHashes.length; at += PARALLEL_READS) {
      const read = await Promise.all(
        entryHashes.slice(at, at + PARALLEL_READS).map(async (hash, offset): Promise<ReplacedEntry> => {
          const index = first + at + offset;
          return { index, expected: toHex(hash), actual: await this.#options.contracts.inbox.entryHash(index, { blockTag }) };
        }),
      );
      const replaced = read.find(({ expected, actual }) => expected !== actual);
      if (replaced !== undefined) return replaced;
    }
    return undefined;
  }

  /** A batch that reverted had no effect and may be tried again: it lands at its place or not at all. */
  #triesOf(index: number, headNumber: number): Tries {
    const { manager } = this.#options;
    let failures = 0;
    let failure: string | undefined;
    const find: TransactionManager["find"] = (id) => {
      const state = manager.find(id);
      if (state?.outcome?.status !== "reverted") return state;
      // Its turn ended before it landed: that says nothing about the batch.
      if (state.outcome.error?.values["contractError"] === NOT_SEQUENCER) return state;
      failures += 1;
      failure = state.outcome.error?.message ?? "it reverted";
      return state;
    };
    const id = nextTryId(batchIntentId(index), find, headNumber);
    const told = (intent: BatchIntent): Tries => ({ intent, failures, ...(failure === undefined ? {} : { failure }) });
    if (id === undefined) return told("reverted");
    const state = manager.find(id);
    if (state === undefined || mayBeAskedAgain(state)) return told("open");
    if (state.outcome === undefined) return told("live");
    return told(state.isFinal && state.outcome.status === "confirmed" ? "final" : "landed");
  }

  async #perform(actions: readonly PostingAction[]): Promise<void> {
    const { manager, inboxAddress } = this.#options;
    for (const action of actions) {
      if (action.type !== "submit") continue;
      const id = nextTryId(batchIntentId(action.index), (tryId) => manager.find(tryId), Infinity);
      // Without data: the calldata are in the log and loaded when they are needed.
      if (id !== undefined) await manager.submit({ id, to: inboxAddress, valueWei: 0n, gasLimit: BigInt(action.gasLimit) });
    }
  }
}
