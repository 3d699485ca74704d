import { expect } from "chai";

import { LOCAL_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { ChannelRequirement } from "../../../sdk/index.ts";
import type { AgentChannel, ChannelAgent } from "../../../sdk/node/index.ts";
import { createPromotion } from "../../../sidecar/outbound/index.ts";
import type { PromotionPolicy } from "../../../sidecar/outbound/index.ts";
import type { Receipt } from "../../../sidecar/outbound/Receipt.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE = 1_000_000_000n;
const POLICY: PromotionPolicy = { calls: 3, windowMs: 60_000, demoteMs: 3_600_000, deposit: PRICE * 50n, maxPerChannel: PRICE * 200n, maxInAll: PRICE * 200n, lowCalls: 10, backoffMs: 1, maxBackoffMs: 1, closeTries: 2 };

interface OnChain {
  status: "open" | undefined;
  depositA: number;
}

/** A channel that this side has opened, with 100 prices in it of which five are left. */
function openedChannel(name: string, deposits: string[], chain: OnChain = { status: "open", depositA: 100 }): AgentChannel {
  const channelId = `0x${name.repeat(64)}`;
  const engine = { phase: "open", capacityUnits: 5, outgoing: { openCalls: 0, paid: 0, credit: 0 }, incoming: { sequence: 0 } };
  return {
    channelId, partner: `0x${name.repeat(40)}`, side: 0, assetAddress: ETH, asset: { assetScale: PRICE }, channel: { isConnected: true, status: () => engine },
    status: async () => ({ ...chain, depositB: 0, engine }),
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

  it("turn: counts a deposit of which nothing is heard, until the chain shows it or it cannot come any more", async () => {
    let nowMs = 1_000_000;
    const deposits: string[] = [];
    const chain: OnChain = { status: "open", depositA: 100 };
    const first = openedChannel("a", deposits, chain);
    first.deposit = async (amount) => {
      deposits.push(`a:${(amount as bigint) / PRICE}`);
      throw new Error("no block in time");
    };
    const channels = [first, openedChannel("b", deposits)];
    const agent: Pick<ChannelAgent, "channels" | "open" | "address"> = { address: `0x${"c".repeat(40)}`, channels, open: () => Promise.reject(new Error("nothing is to be opened")) };
    // Room for one deposit more.
    const promotion = createPromotion({ agent, policies: { [ETH]: { ...POLICY, maxInAll: PRICE * 250n } }, policy: LOCAL_POLICY, now: () => nowMs });
    const talk = (): void => {
      for (const { channelId, partner } of channels) for (let call = 0; call < 5; call += 1) promotion.paid({ payee: partner, asset: ETH, amount: PRICE, way: "channel", key: `channel:${channelId}:${call}` } as Receipt);
    };
    talk();
    expect([await promotion.turn(), deposits]).to.deep.equal(["deposit", ["a:50"]]);
    nowMs += 10;
    expect([await promotion.turn(), deposits]).to.deep.equal(["none", ["a:50"]]);
    chain.depositA = 150;
    expect([await promotion.turn(), deposits]).to.deep.equal(["none", ["a:50"]]);
    // Paid out: there is room again.
    chain.depositA = 100;
    expect([await promotion.turn(), deposits]).to.deep.equal(["deposit", ["a:50", "a:50"]]);
    // This one never comes.
    nowMs += 600_001;
    talk();
    expect([await promotion.turn(), deposits.length]).to.deep.equal(["deposit", 3]);
    await promotion.stop();
  });

  it("turn: counts a channel that was opened without a word about it, as long as it may still come", async () => {
    let nowMs = 1_000_000;
    const channels: AgentChannel[] = [];
    const opened: string[] = [];
    const agent: Pick<ChannelAgent, "channels" | "open" | "address"> = {
      address: `0x${"c".repeat(40)}`, channels,
      open: async ({ partner }) => {
        opened.push(partner.slice(2, 3));
        channels.push(openedChannel(partner.slice(2, 3), [], { status: undefined, depositA: 0 }));
        throw new Error("no block in time");
      },
    };
    const promotion = createPromotion({ agent, policies: { [ETH]: { ...POLICY, maxInAll: POLICY.deposit } }, policy: LOCAL_POLICY, now: () => nowMs });
    const talk = (): void => {
      for (const name of ["a", "b"]) {
        const payTo = `0x${name.repeat(40)}`;
        promotion.wanted({ payTo, asset: ETH, peer: "tls://127.0.0.1:7600", unit: PRICE, amount: PRICE } as ChannelRequirement);
        for (let call = 0; call < 5; call += 1) promotion.paid({ payee: payTo, asset: ETH, amount: PRICE, way: "exact", key: `exact:${call}` } as Receipt);
      }
    };
    talk();
    expect([await promotion.turn(), opened]).to.deep.equal(["open", ["a"]]);
    nowMs += 10;
    expect([await promotion.turn(), opened]).to.deep.equal(["none", ["a"]]);
    nowMs += 600_001;
    talk();
    expect(await promotion.turn()).to.equal("open");
    await promotion.stop();
  });
});
