import type { HeldAnswer } from "../gate/Sale.ts";
import type { WayName } from "../ways/Way.ts";
import type { AnsweredSale, Claim, LedgerRow, LedgerTotal, SettledSaleRecord } from "./LedgerRow.ts";

export interface LedgerOptions {
  /** Answers larger than this are not kept. Bytes. */
  readonly keepAnswerBytes?: number | undefined;
  /** All kept answers together: the oldest that were paid are dropped first. Bytes. */
  readonly keepTotalBytes?: number | undefined;
  /** How long a payment is remembered past its own expiry. */
  readonly keepSeconds?: number | undefined;
  /** The file grows no further; from then on no payment is claimed. Bytes. */
  readonly maxFileBytes?: number | undefined;
  /** Free disk below which no payment is claimed: room for the answers of those that are. Bytes. */
  readonly minFreeBytes?: number | undefined;
  /** Changes that wait for the disk; with more of them no payment is claimed. */
  readonly maxWaiting?: number | undefined;
  /** Payers that have a total of their own. */
  readonly maxPayers?: number | undefined;
  /** False: the disk is waited for in the caller's thread, and with it everything else there. Default true. */
  readonly hasThread?: boolean | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
}

/**
 * What became of every payment, durably. Every promise resolves when its change is on disk, and rejects when it is not there and never will
 * be. A change that is waiting is not seen by `find`: the gate knows what is under way.
 */
export interface Ledger {
  /** False while the disk is full or too slow: a payment claimed now might not be answered. */
  readonly canClaim: boolean;
  find(key: string): LedgerRow | undefined;
  /** The payment of this way that was claimed with this proof. */
  findByProof(way: WayName, proof: Uint8Array): LedgerRow | undefined;
  /** The answer as it was or will be delivered; undefined when it is not kept. */
  answer(row: Pick<LedgerRow, "id">): HeldAnswer | undefined;
  /** Up to `most` payments of which something is left to do, in the order of their ids after `afterId`. */
  unfinished(afterId: number, most: number): LedgerRow[];
  /** Money that came in, by way and asset, and by payer. */
  totals(): LedgerTotal[];
  /** @throws LedgerError `ledger/state` when the payment is known and was not released, `ledger/full`, `ledger/failed` */
  claim(claim: Claim): Promise<void>;
  /** From `claimed`. @throws LedgerError `ledger/state`, `ledger/full`, `ledger/failed` */
  answered(key: string, sale: AnsweredSale): Promise<void>;
  /** From `answered`. @throws LedgerError `ledger/state`, `ledger/full`, `ledger/failed` */
  settled(key: string, sale: SettledSaleRecord): Promise<void>;
  /** From any state but `settled`. @throws LedgerError `ledger/state`, `ledger/full`, `ledger/failed` */
  released(key: string, to: "releasing" | "released"): Promise<void>;
  /** Forgets some of what can be forgotten and looks at the disk. @returns whether more is to be forgotten */
  maintain(): Promise<boolean>;
  /** What waits is written first. */
  close(): Promise<void>;
}
