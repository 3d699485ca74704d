import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";
import { expect } from "chai";
import { parseEther } from "ethers";

import { LOCAL_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { answerHash, decodeTicket, requestHash } from "../../../sdk/index.ts";
import type { ChannelAgent } from "../../../sdk/node/index.ts";
import { createBuyer, createChannelBuyerWay, createExactBuyerWay, createPromotion } from "../../../sidecar/outbound/index.ts";
import type { Buyer, Promotion, PromotionEvent, PromotionPolicy } from "../../../sidecar/outbound/index.ts";
import { sha256 } from "../../../sidecar/outbound/prepareBody.ts";
import { ChannelWay } from "../../../sidecar/ways/channelWay.ts";
import { createLocalSigner } from "../../../runtime/keystore/createLocalSigner.ts";
import { BUYER_KEY, STUB_LIMITS } from "../../builders/buyerStage.ts";
import { ChannelStage } from "../../builders/channelStage.ts";
import type { Actor } from "../../builders/channelStage.ts";
import { STUB_NETWORK, stubOffer, stubRequirement } from "../../builders/sellerStub.ts";
import { until } from "../../builders/until.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE = 1_000n * 1_000_000_000n;
const POLICY: PromotionPolicy = { calls: 3, windowMs: 60_000, demoteMs: 3_600_000, deposit: PRICE * 50n, maxPerChannel: PRICE * 200n, maxInAll: PRICE * 200n, lowCalls: 10, backoffMs: 1, maxBackoffMs: 1, closeTries: 2 };

describe("sidecar/outbound: channels", function () {
  this.timeout(60_000);
  let stage: ChannelStage;
  let seller: Actor;
  let sellers: ChannelAgent;
  let way: ChannelWay;
  let buyerActor: Actor;
  let buyers: ChannelAgent;
  let buyer: Buyer;
  let promotion: Promotion;
  let server: ReturnType<typeof createServer>;
  let origin = "";
  let nowMs = Date.now();
  /** What the seller does with a call of a channel. */
  let mode: "honest" | "other-bytes" | "release" | "silent" = "honest";
  const served: string[] = [];
  const events: PromotionEvent[] = [];
  let channelPaid = 0n;

  before(async () => {
    stage = await ChannelStage.start("hardhat");
    [seller, buyerActor] = [await stage.actor(), await stage.actor()];
    way = new ChannelWay({ chainId: 31337, adjudicator: stage.adjudicator, payTo: seller.wallet.address, peer: () => sellers.listening, matchMs: 1_000 });
    sellers = await stage.agent(seller, { listen: "/ip4/127.0.0.1/tcp/0", serve: (channel) => way.attach(channel) });
    const requirement = way.requirement({ amount: PRICE, asset: ETH }, 30);
    const exact = stubRequirement({ payTo: seller.wallet.address });
    server = createServer((request, response) => {
      request.resume();
      const ticket = request.headers["agnt2-call"];
      if (ticket === undefined) {
        if (request.headers["payment-signature"] === undefined) return void response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer(origin, [exact, requirement])), "content-length": 0 }).end();
        served.push("exact");
        return void response.writeHead(200, { "content-length": 4, "payment-response": encodePaymentResponseHeader({ success: true, transaction: "0x", network: STUB_NETWORK }) }).end("sold");
      }
      void (async () => {
        const asked = requestHash({ method: request.method!, target: request.url! });
        if (mode === "silent") return void response.destroy();
        const payment = await way.find(decodeTicket(String(ticket))!, asked, requirement, "127.0.0.1");
        if (mode === "release") {
          way.release(payment);
          return void response.writeHead(502, { "content-length": 0 }).end();
        }
        const body = mode === "other-bytes" ? "told" : "sold";
        await way.settle(payment, answerHash({ requestHash: asked, status: 200, bodyDigest: sha256(Buffer.from("sold")) }));
        channelPaid += PRICE;
        served.push("channel");
        response.writeHead(200, { "content-length": 4 }).end(body);
      })().catch(() => response.writeHead(409, { "content-length": 0 }).end());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await startBuyer();
  });
  after(async () => {
    await stopBuyer();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    way.close();
    await stage.stop();
  });

  async function startBuyer(): Promise<void> {
    buyers = await stage.agent(buyerActor);
    promotion = createPromotion({ agent: buyers, policies: { [ETH]: POLICY }, policy: LOCAL_POLICY, windowSeconds: 600, now: () => nowMs, onEvent: (event) => events.push(event) });
    buyer = createBuyer({
      dir: `${buyerActor.dir}/outbound`, policy: LOCAL_POLICY, settleEveryMs: 3_600_000, retryMs: 5,
      limits: [STUB_LIMITS, { network: STUB_NETWORK, asset: ETH, maxPerCall: PRICE, perDay: PRICE * 1_000n }],
      ways: [
        createChannelBuyerWay({ chainId: 31337, adjudicator: stage.adjudicator, channelTo: promotion.channelTo, channels: () => buyers.channels, onWanted: promotion.wanted, answerMs: 3_000 }),
        createExactBuyerWay({ signer: createLocalSigner(BUYER_KEY) }),
      ],
      onEvent: (event) => {
        if (event.kind === "paid" || event.kind === "disputed") promotion.paid(event.receipt);
      },
    });
  }
  async function stopBuyer(): Promise<void> {
    await promotion.stop();
    await buyer.stop();
    await buyers.stop();
  }
  const ask = async (path = "/a"): Promise<{ status: number; body: string }> => {
    const response = await buyer.fetch(`${origin}${path}`);
    return { status: response.status, body: await response.text() };
  };
  const inChannel = (): bigint => buyer.receipts.sums().find((sum) => sum.way === "channel")?.amount ?? 0n;

  it("promotion: opens a channel for a pair that talks a lot, and moves it there", async () => {
    for (let i = 0; i < 3; i += 1) expect(await ask()).to.deep.equal({ status: 200, body: "sold" });
    expect(served).to.deep.equal(["exact", "exact", "exact"]);
    expect(await promotion.turn()).to.equal("open");
    await until("the channel is ready", () => promotion.channelTo(seller.wallet.address.toLowerCase(), ETH) !== undefined);
    for (let i = 0; i < 3; i += 1) expect(await ask()).to.deep.equal({ status: 200, body: "sold" });
    expect(served.slice(3)).to.deep.equal(["channel", "channel", "channel"]);
    await until("receipts are written", () => inChannel() === channelPaid);
    expect(buyer.receipts.list({ limit: 1 })[0]).to.include({ state: "paid", way: "channel", amount: PRICE, status: 200 });
  });

  it("buyer: marks an answer disputed whose bytes the seller did not sign on the channel", async () => {
    mode = "other-bytes";
    expect((await ask()).body).to.equal("told");
    mode = "honest";
    await until("the receipt is disputed", () => buyer.receipts.list({ limit: 1 })[0]!.state === "disputed");
    expect(inChannel()).to.equal(channelPaid);
  });

  it("buyer: a call that the seller fails costs nothing", async () => {
    mode = "release";
    const before = buyer.spent(STUB_NETWORK, ETH).today;
    expect((await ask()).status).to.equal(502);
    mode = "honest";
    await until("the amount is free", () => buyer.spent(STUB_NETWORK, ETH).today === before);
    expect(inChannel()).to.equal(channelPaid);
  });

  it("buyer: calls at once are each paid once", async () => {
    const count = served.length;
    await Promise.all(Array.from({ length: 30 }, async (_, place) => expect((await ask(`/${place % 3}`)).status).to.equal(200)));
    expect(served.length - count).to.equal(30);
    await until("receipts are written", () => inChannel() === channelPaid);
  });

  it("promotion: fills a channel that runs low", async () => {
    while ((buyers.channels[0]!.channel.status().capacityUnits * 1_000_000_000) / Number(PRICE) >= 10) await ask();
    const before = buyers.channels[0]!.channel.status().capacityUnits;
    expect(await promotion.turn()).to.equal("deposit");
    await until("the deposit is seen", () => buyers.channels[0]!.channel.status().capacityUnits > before);
  });

  it("buyer: finds the seller's next process, which ends the calls that the one before has left open", async () => {
    const before = buyer.spent(STUB_NETWORK, ETH).today;
    mode = "silent";
    const lost = ask().then(() => "none", (error: { code: string }) => error.code);
    await until("the seller has the call", () => way.counts.openCalls === 1);
    const { listening } = sellers;
    await sellers.stop();
    way.close();
    expect(await lost).to.equal("buy/lost");
    mode = "honest";
    expect(buyer.receipts.list({ limit: 1 })[0]).to.include({ state: "open", way: "channel" });
    way = new ChannelWay({ chainId: 31337, adjudicator: stage.adjudicator, payTo: seller.wallet.address, peer: () => sellers.listening, repeatMatchMs: 200 });
    sellers = await stage.agent(seller, { listen: listening!, serve: (channel) => way.attach(channel) });
    await until("the receipt has an end", async () => {
      await buyer.settle();
      return buyer.receipts.list({ limit: 1 })[0]!.state === "dead";
    });
    expect(buyer.spent(STUB_NETWORK, ETH).today).to.equal(before);
    expect((await ask()).status).to.equal(200);
  });

  it("promotion: finds its channels again after a restart, and receipts that were not written are made up for", async () => {
    await until("receipts are written", () => inChannel() === channelPaid);
    await stopBuyer();
    // As if the last receipts had not reached the disk: the channel's log has them.
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(`${buyerActor.dir}/outbound/outbound.sqlite`);
    database.exec(`UPDATE channels SET amount = CAST(CAST(amount AS INTEGER) - ${2n * PRICE} AS TEXT); UPDATE sums SET amount = CAST(CAST(amount AS INTEGER) - ${2n * PRICE} AS TEXT) WHERE way = 'channel'`);
    database.close();
    await startBuyer();
    await until("the channel is ready", () => promotion.channelTo(seller.wallet.address.toLowerCase(), ETH) !== undefined);
    await buyer.settle();
    expect(inChannel()).to.equal(channelPaid);
    const count = served.length;
    expect((await ask()).status).to.equal(200);
    // The price is not known any more: a 402 came first, and the channel was there.
    expect(served.slice(count)).to.deep.equal(["channel"]);
  });

  it("buyer: what a channel had paid before it was known is none of its receipts", async () => {
    const other = createBuyer({
      dir: `${buyerActor.dir}/other`, policy: LOCAL_POLICY, settleEveryMs: 3_600_000, limits: [{ network: STUB_NETWORK, asset: ETH, maxPerCall: PRICE, perDay: PRICE * 10n }],
      ways: [createChannelBuyerWay({ chainId: 31337, adjudicator: stage.adjudicator, channelTo: promotion.channelTo, channels: () => buyers.channels })],
    });
    await other.settle();
    expect(other.receipts.sums()).to.deep.equal([]);
    const response = await other.fetch(`${origin}/a`);
    expect(await response.text()).to.equal("sold");
    await until("the receipt is written", () => other.receipts.sums()[0]?.amount === PRICE);
    await other.settle();
    expect(other.receipts.sums()[0]).to.include({ amount: PRICE, count: 1 });
    await other.stop();
    // The first buyer finds in the channel what the other has paid.
    await buyer.settle();
    expect(inChannel()).to.equal(channelPaid);
  });

  it("promotion: closes an idle channel, its money comes back, and calls go the other way", async () => {
    await until("receipts are written", () => inChannel() === channelPaid);
    nowMs += POLICY.demoteMs;
    expect(await promotion.turn()).to.equal("close");
    await until("the channel is gone", () => buyers.channels.length === 0);
    const balance = await stage.provider.getBalance(buyerActor.wallet.address);
    expect(balance > parseEther("9.9")).to.equal(true);
    const count = served.length;
    expect((await ask()).status).to.equal(200);
    expect(served.slice(count)).to.deep.equal(["exact"]);
    expect(events.map(({ kind }) => kind)).to.include.members(["opened", "deposited", "closed"]);
  });
});
