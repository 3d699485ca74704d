import { expect } from "chai";

import { LOCAL_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { AgentChannel, ChannelAgent } from "../../../sdk/node/index.ts";
import { createPromotion } from "../../../sidecar/outbound/index.ts";
import type { PromotionPolicy } from "../../../sidecar/outbound/index.ts";
import type { Receipt } from "../../../sidecar/outbound/Receipt.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE = 1_000_000_000n;
const POLICY: PromotionPolicy = { calls: 3, windowMs: 60_000, demoteMs: 3_600_000, deposit: PRICE * 50n, maxPerChannel: PRICE * 200n, maxInAll: PRICE * 200n, lowCalls: 10, backoffMs: 1, maxBackoffMs: 1, closeTries: 2 };

/** A channel that this side has opened, with 100 prices in it of which five are left. */
function openedChannel(name: string, deposits: string[]): AgentChannel {
  const channelId = `0x${name.repeat(64)}`;
  const engine = { phase: "open", capacityUnits: 5, outgoing: { openCalls: 0, paid: 0, credit: 0 }, incoming: { sequence: 0 } };
  return {
    channelId, partner: `0x${name.repeat(40)}`, side: 0, assetAddress: ETH, asset: { assetScale: PRICE }, channel: { isConnected: true, status: () => engine },
    status: async () => ({ status: "open", depositA: 100, depositB: 0, engine }),
    deposit: async (amount: bigint) => void deposits.push(`${name}:${amount / PRICE}`),
  } as unknown as AgentChannel;
}

describe("sidecar/outbound: limits of promotion", () => {
  it("turn: counts what is in every channel before the first deposit after a start", async () => {
    const deposits: string[] = [];
    const channels = [openedChannel("a", deposits), openedChannel("b", deposits)];
    const agent: Pick<ChannelAgent, "channels" | "open" | "address"> = { address: `0x${"c".repeat(40)}`, channels, open: () => Promise.reject(new Error("nothing is to be opened")) };
    const promotion = createPromotion({ agent, policies: { [ETH]: POLICY }, policy: LOCAL_POLICY });
    // Busy already before the first look.
    for (const { channelId, partner } of channels) for (let call = 0; call < 5; call += 1) promotion.paid({ payee: partner, asset: ETH, amount: PRICE, way: "channel", key: `channel:${channelId}:${call}` } as Receipt);
    expect(await promotion.turn()).to.equal("none");
    expect(deposits).to.deep.equal([]);
    await promotion.stop();
  });
});
