import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { Wallet } from "ethers";

import { createLedger, LEDGER_FILE } from "../../sidecar/ledger/createLedger.ts";
import { LEDGER_STATES } from "../../sidecar/ledger/LedgerRow.ts";
import type { LedgerState } from "../../sidecar/ledger/LedgerRow.ts";
import type { Receipt } from "../../sidecar/outbound/Receipt.ts";
import { OUTBOUND_FILE, PaymentStore } from "../../sidecar/outbound/store/PaymentStore.ts";
import { openChannels } from "./openChannels.ts";
import type { ChannelSums } from "./openChannels.ts";
import type { SidecarMarket } from "./sidecarMarket.ts";
import type { SidecarProcess } from "./SidecarProcess.ts";

const GWEI = 1_000_000_000n;

export type WayName = "exact" | "call" | "channel";

/** So many exchanges, and what they came to in base units. */
export interface Sum {
  readonly count: number;
  readonly amount: bigint;
}

/** A payment as a seller's ledger has it. */
export interface LedgerEntry {
  readonly key: string;
  readonly way: WayName;
  readonly state: LedgerState;
  readonly amount: bigint;
  /** Hex; undefined before there is an answer. */
  readonly answerHash: string | undefined;
}

/** What a sidecar that was stopped has written: what it spent by its receipts, what it earned by its ledger, what its channels hold. */
export interface SidecarBooks {
  readonly spent: Readonly<Record<WayName, Sum>>;
  readonly earned: Readonly<Record<WayName, Sum>>;
  /** Receipts whose end is not known. */
  readonly unsettled: readonly Receipt[];
  readonly receipts: readonly Receipt[];
  /** All payments that came in and are remembered, whatever became of them. */
  readonly entries: readonly LedgerEntry[];
  /** Base units that its own signatures pay, and that its partners' pay it. */
  readonly channelPaid: bigint;
  readonly channelEarned: bigint;
  /** Of its calls that have no answer. */
  readonly channelOpen: bigint;
  readonly channelCalls: number;
}

const NOTHING: Sum = { count: 0, amount: 0n };
const WAYS: readonly WayName[] = ["exact", "call", "channel"];
const byWay = (sums: readonly (Sum & { readonly way: string })[]): Record<WayName, Sum> =>
  Object.fromEntries(WAYS.map((way) => [way, sums.filter((sum) => sum.way === way).reduce((all, { count, amount }) => ({ count: all.count + count, amount: all.amount + amount }), NOTHING)])) as unknown as Record<WayName, Sum>;

function query(path: string, sql: string, ...values: readonly string[]): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare(sql).all(...values);
  } finally {
    database.close();
  }
}

/** Payments of a buyer that have no end yet; it may run. */
export function countOpenReceipts({ setup }: SidecarProcess, way: WayName): number {
  const [row] = query(join(setup.dataDir, "buyer", OUTBOUND_FILE), "SELECT count(*) AS count FROM payments WHERE way = ? AND state IN ('open', 'reserved')", way);
  return row!["count"] as number;
}

/** Base units that the receipts of a buyer, which may run, say that all its channels have paid. */
export function readPaidByReceipts({ setup }: SidecarProcess): bigint {
  return query(join(setup.dataDir, "buyer", OUTBOUND_FILE), "SELECT amount FROM channels").reduce((sum, { amount }) => sum + BigInt(amount as string), 0n);
}

/** What the ledger of a seller, which may run, remembers. */
export function readEntries({ setup }: SidecarProcess): LedgerEntry[] {
  return query(join(setup.dataDir, "ledger", LEDGER_FILE), "SELECT key, way, state, amount, answerHash FROM payments ORDER BY id").map(({ key, way, state, amount, answerHash }) => ({
    key: key as string, way: way as WayName, state: LEDGER_STATES[state as number]!, amount: BigInt(amount as string), answerHash: answerHash === null ? undefined : `0x${Buffer.from(answerHash as Uint8Array).toString("hex")}`,
  }));
}

/** @param isListing read all receipts too: not for millions of them */
export async function readBooks(market: SidecarMarket, sidecars: readonly { readonly sidecar: SidecarProcess; readonly owner: Wallet }[], isListing = true): Promise<SidecarBooks[]> {
  const channels: ChannelSums[] = await openChannels(market, sidecars.map(({ sidecar, owner }) => ({ dir: join(sidecar.setup.dataDir, "channels"), wallet: owner })));
  try {
    return await Promise.all(sidecars.map(async ({ sidecar }, place) => {
      const store = PaymentStore.open(join(sidecar.setup.dataDir, "buyer"));
      const ledger = createLedger(join(sidecar.setup.dataDir, "ledger"));
      const receipts = isListing ? store.list({ limit: 1_000_000 }) : [];
      const books: SidecarBooks = {
        spent: byWay(store.sums()), earned: byWay(ledger.totals().filter(({ payer }) => payer === undefined)), receipts, entries: isListing ? readEntries(sidecar) : [],
        unsettled: [...store.list({ state: "open", limit: 10_000 }), ...store.list({ state: "reserved", limit: 10_000 }), ...store.list({ state: "unknown", limit: 10_000 })],
        channelPaid: BigInt(channels[place]!.paidUnits) * GWEI, channelEarned: BigInt(channels[place]!.earnedUnits) * GWEI, channelOpen: BigInt(channels[place]!.openUnits) * GWEI, channelCalls: channels[place]!.calls,
      };
      store.close();
      await ledger.close();
      return books;
    }));
  } finally {
    for (const { stop } of channels) await stop();
  }
}
