import { expect } from "chai";

import { CALL_STATUS, answerHash, requestHash } from "../../../sdk/index.ts";
import { ChannelScheme } from "../../../sdk/node/index.ts";
import type { AgentChannel, ChannelAgent, ChannelAgentOptions } from "../../../sdk/node/index.ts";
import { ChannelWay } from "../../../sidecar/ways/channelWay.ts";
import { ChannelStage } from "../../builders/channelStage.ts";
import type { Actor } from "../../builders/channelStage.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE_WEI = 1_000_000_000_000n;
const REQUEST = requestHash({ method: "GET", target: "/" });
const ANSWER = answerHash({ requestHash: REQUEST, status: 200 });

describe("channelWay with agents and an L1", function () {
  this.timeout(60_000);
  let stage: ChannelStage;
  let [alice, bob]: Actor[] = [];
  before(async () => (stage = await ChannelStage.start("anvil")));
  after(() => stage?.stop());
  beforeEach(async () => ([alice, bob] = [await stage.actor(), await stage.actor()]));
  afterEach(() => stage.stopAgents());

  function createWay(): ChannelWay {
    return new ChannelWay({ chainId: stage.chain.chainId, adjudicator: stage.adjudicator, payTo: bob!.wallet.address, ticketWaitMs: 20_000 });
  }
  function sell(way: ChannelWay, options: Partial<ChannelAgentOptions> = {}): Promise<ChannelAgent> {
    return stage.agent(bob!, { listen: "tls://127.0.0.1:0", serve: (channel) => way.attach(channel), onNotice: (notice) => void (notice.kind === "settled" && way.detach(notice.channelId)), ...options });
  }
  const schemeOf = (channel: AgentChannel): ChannelScheme => new ChannelScheme({ chainId: stage.chain.chainId, adjudicator: stage.adjudicator, channel });
  const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "none", (error: { code?: string }) => String(error.code));

  it("channelWay: is paid on a channel that a buyer has opened, and by the chain at its end", async () => {
    const way = createWay();
    const seller = await sell(way);
    const buyer = await stage.agent(alice!);
    const channel = await buyer.open({ partner: bob!.wallet.address, peerAddress: seller.listening!, deposit: "0.1" });
    await channel.ready();
    const asked = way.requirement({ amount: PRICE_WEI, asset: ETH }, 30);
    const exchange = await schemeOf(channel).forRequest(REQUEST).pay(asked);
    const failed = await schemeOf(channel).forRequest(REQUEST).pay(asked);
    await way.settle(await way.find(exchange.ticket, REQUEST, asked, "a"), ANSWER);
    way.release(await way.find(failed.ticket, REQUEST, asked, "a"));
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
    expect(await failed.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.RELEASED });
    const before = await stage.provider.getBalance(bob!.wallet.address);
    await channel.close();
    expect((await stage.provider.getBalance(bob!.wallet.address)) - before).to.equal(PRICE_WEI);
    await stage.until("the way has forgotten it", () => way.counts.channels === 0);
    way.close();
  });

  it("channelWay: serves a channel of its store from the first moment of the next process", async () => {
    const way = createWay();
    const seller = await sell(way);
    const { listening } = seller;
    const buyer = await stage.agent(alice!);
    const channel = await buyer.open({ partner: bob!.wallet.address, peerAddress: listening!, deposit: "0.1" });
    await channel.ready();
    const asked = way.requirement({ amount: PRICE_WEI, asset: ETH }, 30);
    const exchange = await schemeOf(channel).forRequest(REQUEST).pay(asked);
    await way.find(exchange.ticket, REQUEST, asked, "a");
    await seller.stop();
    way.close();
    const next = createWay();
    await sell(next, { listen: listening! });
    const payment = await next.find(exchange.ticket, REQUEST, next.requirement({ amount: PRICE_WEI, asset: ETH }, 30), "a");
    await next.settle(payment, ANSWER);
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
    next.close();
  });

  it("ChannelScheme: pays nobody but the channel's partner, on no other chain or contract, in no other asset, no fraction of a unit, and nothing that it has not", async () => {
    const way = createWay();
    const seller = await sell(way);
    const buyer = await stage.agent(alice!);
    const channel = await buyer.open({ partner: bob!.wallet.address, peerAddress: seller.listening!, deposit: "0.1" });
    await channel.ready();
    const asked = way.requirement({ amount: PRICE_WEI, asset: ETH }, 30);
    const bound = schemeOf(channel).forRequest(REQUEST);
    const pay = (change: object, extra: object = {}): Promise<string> => codeOf(bound.pay({ ...asked, ...change, extra: { ...asked.extra, ...extra } }));
    expect(await pay({ network: "eip155:1" })).to.equal("SDK_PAYMENT");
    expect(await pay({ payTo: alice!.wallet.address })).to.equal("SDK_PAYMENT");
    expect(await pay({ asset: bob!.wallet.address })).to.equal("SDK_PAYMENT");
    expect(await pay({}, { adjudicator: bob!.wallet.address })).to.equal("SDK_PAYMENT");
    expect(await pay({}, { requestHash: `0x${"12".repeat(32)}` })).to.equal("SDK_PAYMENT");
    expect(await pay({ amount: String(PRICE_WEI + 1n) })).to.equal("SDK_AMOUNT");
    expect(await pay({ amount: String(PRICE_WEI + 1n) }, { unit: "1" })).to.equal("SDK_AMOUNT");
    expect(await pay({ amount: String(10n ** 18n) })).to.equal("channel/capacity");
    expect(await codeOf(schemeOf(channel).pay(asked))).to.equal("SDK_PAYMENT");
    expect(channel.channel.status().outgoing.sequence).to.equal(0);
    const [one, two] = await Promise.all([bound.pay(asked), bound.pay(asked)]);
    expect(one).to.equal(two);
    way.close();
  });
});
