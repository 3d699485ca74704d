import { rankOf } from "../../../../chain/tower/TowerState.ts";
import type { StateRank, TowerState } from "../../../../chain/tower/TowerState.ts";
import { toError } from "../../../../runtime/errors/CodedError.ts";
import type { SignedReceipt } from "../../../TowerClient.ts";
import type { ReceiptFile } from "./ReceiptFile.ts";

/** What one tower has promised for a channel. */
export interface TowerCover {
  readonly url: string;
  /** It has the best that this side can enforce now, or there is nothing to enforce. */
  readonly isNewest: boolean;
  /** What it answers for; undefined before the first receipt. `paid` in units, of the other side. */
  readonly covered: StateRank | undefined;
  /** L1 time at which the promise ends. */
  readonly until: number | undefined;
  /** Why it took nothing when it was asked last. */
  readonly trouble: { readonly code: string; readonly message: string } | undefined;
}

export interface HandoverParts {
  readonly url: string;
  readonly receipts: ReceiptFile;
  /** Submits, and has the receipt checked and kept. */
  readonly submit: (state: TowerState) => Promise<SignedReceipt>;
  /** The best that this side has now; undefined while there is nothing. @param last what the tower has */
  readonly current: (last: TowerState | undefined) => Promise<TowerState | undefined>;
  /** The rank of the same, without signing anything. */
  readonly currentRank: () => StateRank | undefined;
  /** Least time from one submission to the next. */
  readonly everyMs: number;
  /** Called once for each kind of trouble, until the tower takes a state again. */
  readonly onAlarm: (error: Error) => void;
}

const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

function isSameRank(a: StateRank | undefined, b: StateRank | undefined): boolean {
  return a?.version === b?.version && a?.sequence === b?.sequence && a?.paid === b?.paid;
}

/** Keeps one tower up to date on one channel: one submission at a time, and always the newest state. */
export class TowerHandover {
  readonly #parts: HandoverParts;
  #isDirty = true;
  #isStopped = false;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #notBeforeMs = 0;
  #l1Seconds = 0;
  #trouble: TowerCover["trouble"];

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** Something may have changed. */
  touch(): void {
    this.#isDirty = true;
    this.#plan();
  }

  /** Has a promise renewed that is half over. */
  look(l1Seconds: number): void {
    this.#l1Seconds = l1Seconds;
    if (this.#isHalfOver()) this.touch();
  }

  #isHalfOver(): boolean {
    const receipt = this.#parts.receipts.newest(this.#parts.url)?.receipt;
    return receipt !== undefined && 2 * this.#l1Seconds > receipt.from + receipt.until;
  }

  cover(): TowerCover {
    const { url, receipts, currentRank } = this.#parts;
    const kept = receipts.newest(url);
    const covered = kept === undefined ? undefined : rankOf(kept.state);
    const wanted = currentRank();
    return { url, isNewest: wanted === undefined || isSameRank(covered, wanted), covered, until: kept?.receipt.until, trouble: this.#trouble };
  }

  #plan(): void {
    if (this.#isStopped || !this.#isDirty || this.#running !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, Math.max(0, this.#notBeforeMs - Date.now()));
  }

  #run(): Promise<void> {
    this.#running ??= this.#handOver().finally(() => {
      this.#running = undefined;
      this.#plan();
    });
    return this.#running;
  }

  async #handOver(): Promise<void> {
    const { url, receipts, current, submit, everyMs, onAlarm } = this.#parts;
    this.#isDirty = false;
    try {
      const last = receipts.newest(url)?.state;
      const state = await current(last);
      if (state === undefined) return;
      if (last !== undefined && isSameRank(rankOf(last), rankOf(state)) && !this.#isHalfOver()) return;
      this.#notBeforeMs = Date.now() + everyMs;
      await submit(state);
      [this.#failures, this.#trouble] = [0, undefined];
    } catch (thrown) {
      const error = toError(thrown);
      const { code = error.name } = error as { code?: string };
      const isNew = this.#trouble?.code !== code;
      this.#trouble = { code, message: error.message };
      this.#failures += 1;
      this.#isDirty = true;
      this.#notBeforeMs = Date.now() + Math.max(everyMs, Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (this.#failures - 1)));
      if (isNew) onAlarm(error);
    }
  }

  /** @param isLast hand over what is newest, once, to a tower that has not failed lately */
  async stop(isLast: boolean): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (isLast && this.#isDirty && this.#failures === 0) await this.#run();
  }
}
