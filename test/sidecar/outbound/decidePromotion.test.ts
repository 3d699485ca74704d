import { expect } from "chai";

import { PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { checkPeerAddress } from "../../../sidecar/outbound/promotion/checkPeerAddress.ts";
import { backoffMs, decidePromotion } from "../../../sidecar/outbound/promotion/decidePromotion.ts";
import type { ChannelView, PairState, PromotionPolicy } from "../../../sidecar/outbound/promotion/PromotionPolicy.ts";
import { SlidingCount } from "../../../sidecar/outbound/promotion/SlidingCount.ts";
import { codeOf } from "../../builders/buyerStage.ts";

const POLICY: PromotionPolicy = { calls: 20, windowMs: 60_000, demoteMs: 600_000, deposit: 1_000n, maxPerChannel: 2_500n, maxInAll: 4_000n, lowCalls: 10, backoffMs: 1_000, maxBackoffMs: 60_000, closeTries: 3 };
const OPEN: ChannelView = { phase: "open", capacity: 800n, deposited: 1_000n, usedAtMs: 1_000_000, openCalls: 0 };
const CHATTY: PairState = { nowMs: 1_000_000, recentCalls: 20, isOffered: true, price: 10n, channel: undefined, depositedInAll: 0n, isBusy: false, failures: 0, nextTryMs: 0 };

const decide = (change: Partial<PairState>, channel?: Partial<ChannelView>): unknown =>
  decidePromotion(POLICY, { ...CHATTY, ...(channel === undefined ? {} : { channel: { ...OPEN, ...channel }, depositedInAll: 1_000n }), ...change });

describe("decidePromotion", () => {
  const cases: readonly (readonly [what: string, got: unknown, wanted: unknown])[] = [
    ["opens a channel for a pair that talks enough", decide({}), { kind: "open", deposit: 1_000n }],
    ["opens none for a pair that talks too little", decide({ recentCalls: 19 }), { kind: "none" }],
    ["opens none when the seller offers none", decide({ isOffered: false }), { kind: "none" }],
    ["opens none while the price is not known", decide({ price: 0n }), { kind: "none" }],
    ["does one thing at a time", decide({ isBusy: true }), { kind: "none" }],
    ["waits after a failure", decide({ nextTryMs: 1_000_001 }), { kind: "none" }],
    ["puts in what the limit in all leaves", decide({ depositedInAll: 3_500n }), { kind: "open", deposit: 500n }],
    ["opens none when that is not worth a transaction", decide({ depositedInAll: 3_900n }), { kind: "none" }],
    ["opens none when the limit is used up", decide({ depositedInAll: 5_000n }), { kind: "none" }],
    ["lets a channel be that has enough", decide({}, {}), { kind: "none" }],
    ["fills one that runs low", decide({}, { capacity: 99n }), { kind: "deposit", amount: 1_000n }],
    ["fills none of a pair that has become quiet", decide({ recentCalls: 3 }, { capacity: 99n }), { kind: "none" }],
    ["fills it no further than one channel may hold", decide({}, { capacity: 99n, deposited: 2_000n }), { kind: "deposit", amount: 500n }],
    ["lets an almost empty one be used up", decide({}, { capacity: 99n, deposited: 2_500n }), { kind: "none" }],
    ["closes an empty one that may not be filled", decide({}, { capacity: 9n, deposited: 2_500n }), { kind: "close" }],
    ["closes none with calls under way", decide({}, { capacity: 9n, deposited: 2_500n, openCalls: 1 }), { kind: "none" }],
    ["closes an idle one", decide({ nowMs: 1_600_000, recentCalls: 0 }, {}), { kind: "close" }],
    ["closes an idle one whose partner is away", decide({ nowMs: 1_600_000, recentCalls: 0 }, { phase: "away", openCalls: 2 }), { kind: "close" }],
    ["ends it alone when the partner does not sign", decide({ nowMs: 1_600_000, recentCalls: 0, failures: 3 }, {}), { kind: "end-alone" }],
    ["waits for a partner that is away for a while", decide({}, { phase: "away", capacity: 9n }), { kind: "none" }],
    ["does nothing about one that is ending", decide({ nowMs: 1_600_000 }, { phase: "ending" }), { kind: "none" }],
    ["does nothing about one that is not on the chain yet", decide({}, { phase: "new" }), { kind: "none" }],
  ];
  for (const [what, got, wanted] of cases) it(`decidePromotion: ${what}`, () => expect(got).to.deep.equal(wanted));

  it("backoffMs: doubles, up to its limit", () => {
    expect([0, 1, 2, 3, 50].map((failures) => backoffMs(POLICY, failures))).to.deep.equal([0, 1_000, 2_000, 4_000, 60_000]);
  });

  it("SlidingCount: forgets what is older than the window, also after a long silence", () => {
    const count = new SlidingCount(1_000);
    for (let at = 0; at < 1_000; at += 100) count.add(at);
    expect(count.total(999)).to.equal(10);
    expect(count.total(1_500)).to.be.within(4, 5);
    expect(count.total(1_000_000)).to.equal(0);
    count.add(999_000);
    expect(count.total(1_000_000)).to.equal(1);
  });

  it("checkPeerAddress: takes an address apart and puts the checked one in, and refuses what is private or none", async () => {
    const policy = { ...PUBLIC_POLICY, resolve: async (host: string) => (host === "inside.example" ? ["10.0.0.1"] : ["93.184.216.34"]) };
    expect(await checkPeerAddress("tls://seller.example:7600", policy)).to.equal("tls://93.184.216.34:7600");
    expect(await checkPeerAddress("/dns4/seller.example/tcp/7600", policy)).to.equal("/ip4/93.184.216.34/tcp/7600");
    expect(await checkPeerAddress("tls://[2606:2800:220:1::1]:7600", policy)).to.equal("tls://[2606:2800:220:1::1]:7600");
    for (const peer of ["tls://127.0.0.1:22", "tls://inside.example:1", "/ip4/169.254.169.254/tcp/80", "/ip6/::1/tcp/80", "tls://0x7f.1:1"]) {
      const refusal = await checkPeerAddress(peer, { ...policy, resolve: async () => ["127.0.0.1"] }).then(() => "taken", (error: { code?: string }) => error.code);
      expect(refusal, peer).to.equal("fetch/address");
    }
    for (const peer of ["http://x", "tls://a:1/x", "/ip4/1.2.3.4/udp/1", "file:///etc"]) expect(await codeOf(checkPeerAddress(peer, policy).catch((error: unknown) => (error instanceof TypeError ? undefined : Promise.reject(error as Error)))), peer).to.equal("none");
  });
});
