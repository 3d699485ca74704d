import { join } from "node:path";

import type { Wallet } from "ethers";

import { createLedger } from "../../sidecar/ledger/createLedger.ts";
import type { Receipt } from "../../sidecar/outbound/Receipt.ts";
import { PaymentStore } from "../../sidecar/outbound/store/PaymentStore.ts";
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

/** What a sidecar that was stopped has written: what it spent by its receipts, what it earned by its ledger, what its channels hold. */
export interface SidecarBooks {
  readonly spent: Readonly<Record<WayName, Sum>>;
  readonly earned: Readonly<Record<WayName, Sum>>;
  /** Receipts whose end is not known. */
  readonly unsettled: readonly Receipt[];
  readonly receipts: readonly Receipt[];
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

/** @param isListing read all receipts too: not for millions of them */
export async function readBooks(market: SidecarMarket, sidecars: readonly { readonly sidecar: SidecarProcess; readonly owner: Wallet }[], isListing = true): Promise<SidecarBooks[]> {
  const channels: ChannelSums[] = await openChannels(market, sidecars.map(({ sidecar, owner }) => ({ dir: join(sidecar.setup.dataDir, "channels"), wallet: owner })));
  try {
    return await Promise.all(sidecars.map(async ({ sidecar }, place) => {
      const store = PaymentStore.open(join(sidecar.setup.dataDir, "buyer"));
      const ledger = createLedger(join(sidecar.setup.dataDir, "ledger"));
      const receipts = isListing ? store.list({ limit: 1_000_000 }) : [];
      const books: SidecarBooks = {
        spent: byWay(store.sums()), earned: byWay(ledger.totals().filter(({ payer }) => payer === undefined)), receipts,
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
