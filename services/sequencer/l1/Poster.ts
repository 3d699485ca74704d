import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { encodeSubmitBatch } from "../../../chain/submitBatchCall.ts";
import { mayBeAskedAgain } from "../../../chain/transactions/reduceJournal.ts";
import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import { batchDataRoot, batchHash, toHex } from "../../../core/codec/index.ts";
import { atHead, nextBlockTime } from "./atHead.ts";
import { decidePosting } from "./decidePosting.ts";
import type { BatchIntent, PostingAction, PostingLimits, PostingState, UnpostedBatch } from "./decidePosting.ts";
import { batchIntentId } from "./intentIds.ts";
import { L1SideError } from "./L1SideError.ts";
import type { CheckedBatches, SealedBatch, SealedBatches } from "./ports.ts";

/** Batches below the head that are compared again in every turn: a reorganisation may have replaced them. */
const COMPARE_AGAIN = 16;
/** Batches compared in one turn while catching up. */
const COMPARE_AT_ONCE = 256;

export interface PosterOptions {
  readonly provider: JsonRpcApiProvider;
  readonly contracts: Pick<RootContracts, "inbox">;
  readonly inboxAddress: string;
  /** The posting account. */
  readonly address: string;
  readonly manager: Pick<TransactionManager, "submit" | "find" | "status">;
  readonly sealed: SealedBatches;
  readonly limits: PostingLimits;
}

/** The hash of a batch as the Inbox stores it (RULES B-2). */
export function sealedBatchHash(batch: SealedBatch): string {
  const { l2Time, queueEnd, slots, data } = batch;
  return toHex(batchHash({ l2Time, queueEnd, slots, dataRoot: batchDataRoot(data) }));
}

export function batchCalldata(batch: SealedBatch): string {
  return encodeSubmitBatch(batch);
}

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** Brings sealed batches to the Inbox, each once and in order. */
export class Poster implements CheckedBatches {
  readonly #options: PosterOptions;
  readonly #hashes = new Map<number, string>();
  #checked = 0;
  #batchCount = 0;

  constructor(options: PosterOptions) {
    this.#options = options;
  }

  /** Batches on L1, as of the last turn. */
  get batchCount(): number {
    return this.#batchCount;
  }

  checkedCount(): number {
    return this.#checked;
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
    this.#checked = state.compared.length === 0 ? Math.min(this.#checked, state.l1.batchCount) : state.compared.at(-1)!.index + 1;
    await this.#perform(actions);
    return actions;
  }

  async read(): Promise<PostingState> {
    return await atHead(this.#options.provider, (head) => this.#readAt(head));
  }

  async #readAt(head: BlockRef): Promise<PostingState> {
    const { contracts, sealed } = this.#options;
    const at = { blockTag: head.number };
    // Counted after the head is pinned: what is on L1 was sealed before.
    const [batchCount, entryCount, consumedCount, lastL2Time] = await Promise.all([
      contracts.inbox.batchCount(at),
      contracts.inbox.entryCount(at),
      contracts.inbox.consumedCount(at),
      contracts.inbox.lastL2Time(at),
    ]);
    const sealedCount = sealed.count();
    this.#batchCount = Number(batchCount);
    const l1 = {
      batchCount: Number(batchCount),
      entryCount: Number(entryCount),
      consumedCount: Number(consumedCount),
      lastL2Time: Number(lastL2Time),
      timestamp: await nextBlockTime(this.#options.provider, head),
      hasUnknownPending: await this.#hasUnknownPending(),
    };
    const compared = await this.#compare(l1.batchCount, sealedCount, head.number);
    const unposted = await this.#readUnposted(l1.batchCount, sealedCount, l1.entryCount, head.number);
    return { l1, sealedCount, compared, unposted };
  }

  async #hasUnknownPending(): Promise<boolean> {
    const { provider, manager, address } = this.#options;
    if (manager.status().pending > 0) return false;
    const [latest, pending] = await Promise.all([provider.getTransactionCount(address, "latest"), provider.getTransactionCount(address, "pending")]);
    return pending > latest && manager.status().pending === 0;
  }

  async #compare(batchCount: number, sealedCount: number, headNumber: number): Promise<PostingState["compared"]> {
    if (batchCount > sealedCount) return [];
    const from = Math.max(0, Math.min(this.#checked, batchCount - COMPARE_AGAIN));
    const to = Math.min(batchCount, from + COMPARE_AT_ONCE);
    const indexes = Array.from({ length: to - from }, (_, offset) => from + offset);
    const compared = await Promise.all(
      indexes.map(async (index) => {
        const actual = await this.#options.contracts.inbox.batchHash(index, { blockTag: headNumber });
        // No batch hashes to zero: the node counts a batch that it does not show yet, as it may while it takes in a block.
        if (actual === ZERO_HASH) throw new L1SideError("l1/moved", { block: headNumber }, "retry", { what: `L1 block ${headNumber} is not whole at the endpoint yet`, todo: "The next turn reads again" });
        return { index, expected: await this.#hashOf(index), actual };
      }),
    );
    for (const index of this.#hashes.keys()) if (index < from) this.#hashes.delete(index);
    return compared;
  }

  async #hashOf(index: number): Promise<string> {
    const known = this.#hashes.get(index);
    if (known !== undefined) return known;
    const hash = sealedBatchHash(await this.#options.sealed.read(index));
    this.#hashes.set(index, hash);
    return hash;
  }

  async #readUnposted(batchCount: number, sealedCount: number, entryCount: number, headNumber: number): Promise<UnpostedBatch[]> {
    const { sealed, limits, contracts } = this.#options;
    const unposted: UnpostedBatch[] = [];
    for (let index = batchCount; index < Math.min(sealedCount, batchCount + limits.maxInFlight); index += 1) {
      const { l2Time, queueEnd, slots, data } = await sealed.read(index);
      const { intent, failure } = this.#intentOf(index);
      const isLeftOut = intent === "open" && queueEnd < entryCount;
      const entryHash = isLeftOut ? await contracts.inbox.entryHash(queueEnd, { blockTag: headNumber }) : undefined;
      // RULES B-3: the due time is the hash's last four bytes.
      const leftOutDueTime = entryHash === undefined ? undefined : Number(`0x${entryHash.slice(-8)}`);
      unposted.push({ index, l2Time, queueEnd, slots, bytes: data.length, intent, failure, leftOutDueTime });
    }
    return unposted;
  }

  #intentOf(index: number): { intent: BatchIntent; failure?: string } {
    const state = this.#options.manager.find(batchIntentId(index));
    if (state === undefined || mayBeAskedAgain(state)) return { intent: "open" };
    if (state.outcome === undefined) return { intent: "live" };
    if (state.outcome.status === "reverted") return { intent: "failed", failure: state.outcome.error?.message ?? "it reverted" };
    return { intent: state.isFinal && state.outcome.status === "confirmed" ? "final" : "landed" };
  }

  async #perform(actions: readonly PostingAction[]): Promise<void> {
    const { manager, inboxAddress } = this.#options;
    for (const action of actions) {
      if (action.type !== "submit") continue;
      // Without data: the calldata are in the log and loaded when they are needed.
      await manager.submit({ id: batchIntentId(action.index), to: inboxAddress, valueWei: 0n, gasLimit: BigInt(action.gasLimit) });
    }
  }
}
