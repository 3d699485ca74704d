import { expect } from "chai";
import { getAddress } from "ethers";

import { CALL_STATUS, answerHash, callHash, createTicket, encodeTicket, requestHash } from "../../../sdk/index.ts";
import { beginByChannel } from "../../../sdk/node/index.ts";
import type { AgentChannel, ChannelExchange } from "../../../sdk/node/index.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import { ChannelWay } from "../../../sidecar/ways/channelWay.ts";
import type { ChannelWayOptions } from "../../../sidecar/ways/channelWay.ts";
import type { OfferedPayment, VerifiedPayment } from "../../../sidecar/ways/Way.ts";
import { PAIR_ADDRESSES, PAIR_SCALE, PaidChannels } from "../../builders/paidChannel.ts";
import { until } from "../../builders/until.ts";

const ETH = `0x${"00".repeat(20)}`;
const ADJUDICATOR = `0x${"ad".repeat(20)}`;
const PRICE_UNITS = 7;
const REQUEST = requestHash({ method: "GET", target: "/price?of=tea" });
const OTHER_REQUEST = requestHash({ method: "GET", target: "/price?of=gold" });
const ANSWER = answerHash({ requestHash: REQUEST, status: 200, contentType: "text/plain" });

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return error instanceof SidecarError ? error.code : String(error);
  }
}

describe("channelWay", function () {
  this.timeout(30_000);
  let pair: PaidChannels;
  let salt = 0;
  const ways: ChannelWay[] = [];
  before(async () => (pair = await PaidChannels.start()));
  after(() => pair.stop());
  afterEach(() => {
    for (const way of ways.splice(0)) way.close();
  });

  function createWay(options: Partial<ChannelWayOptions> = {}): ChannelWay {
    const way = new ChannelWay({ chainId: 31337, adjudicator: ADJUDICATOR, payTo: PAIR_ADDRESSES[1], peer: pair.address, ticketWaitMs: 20_000, ...options });
    ways.push(way);
    return way;
  }

  /** A way, a channel of its own that pays it, and what the route asks. */
  async function open(options: Partial<ChannelWayOptions> = {}) {
    const way = createWay(options);
    const { buyers, sellers } = await pair.open((salt += 1), (channel) => way.attach(channel));
    const asked = way.requirement({ amount: BigInt(PRICE_UNITS) * PAIR_SCALE, asset: ETH }, 30);
    const call = (units = PRICE_UNITS, ticket = createTicket(), request = REQUEST): ChannelExchange => beginByChannel(buyers, units, request, ticket);
    const find = async (ticket: Uint8Array, request = REQUEST, from = "10.0.0.1"): Promise<VerifiedPayment> => way.find(ticket, request, asked, from);
    const paid = (channel: AgentChannel): number => channel.channel.status().outgoing.paid - channel.channel.status().outgoing.credit;
    return { way, buyers, sellers, asked, call, find, paid };
  }

  it("channelWay: finds the call of a ticket, and pays it with the answer", async () => {
    const { way, buyers, call, find } = await open();
    const exchange = call();
    expect(exchange.header).to.equal(encodeTicket(exchange.ticket)).and.have.length(22);
    const payment = await find(exchange.ticket);
    expect(payment).to.include({ key: `channel:${buyers.channelId}:${exchange.sequence}`, payer: PAIR_ADDRESSES[0], amount: BigInt(PRICE_UNITS) * PAIR_SCALE });
    expect(await way.settle(payment, ANSWER)).to.deep.equal({ transaction: `${buyers.channelId}:${exchange.sequence}` });
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
    expect(way.counts).to.deep.include({ openCalls: 0, waiting: 0 });
  });

  it("channelWay: takes calls that came before and after their requests, in the short and in the long form, at once when it is there", async () => {
    const { way, asked, call, find } = await open();
    const ticket = createTicket();
    const early = find(ticket);
    const exchange = call(PRICE_UNITS, ticket);
    const first = await early;
    const { channelId, sequence } = exchange;
    const long = way.read({ x402Version: 2, accepted: asked, payload: { channelId, sequence, ticket: encodeTicket(ticket) } }, asked);
    expect(long.key).to.equal(first.key);
    const again = way.verify(long, REQUEST, "10.0.0.1");
    expect(again).not.to.be.instanceOf(Promise);
    expect((again as VerifiedPayment).key).to.equal(first.key);
    expect(way.find(ticket, REQUEST, asked, "10.0.0.1")).not.to.be.instanceOf(Promise);
    await way.settle(first, ANSWER);
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
  });

  it("channelWay: settles again for the same answer, and for no other", async () => {
    const { way, call, find } = await open();
    const exchange = call();
    const payment = await find(exchange.ticket);
    const settled = await way.settle(payment, ANSWER);
    expect(await way.settle(payment, Uint8Array.from(ANSWER))).to.deep.equal(settled);
    expect(await codeOf(() => way.settle(payment, REQUEST))).to.equal("payment/unsettled");
    way.release(payment);
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
  });

  it("channelWay: gives a released call back at once, and pays nothing for it later", async () => {
    const { way, buyers, call, find, paid } = await open();
    const exchange = call();
    const payment = await find(exchange.ticket);
    way.release(payment);
    way.release(payment);
    expect(await exchange.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.RELEASED });
    expect(await codeOf(() => way.settle(payment, ANSWER))).to.equal("payment/unsettled");
    expect(paid(buyers)).to.equal(0);
  });

  it("channelWay: sells no other request for a call, nothing to a guessed ticket, and nothing of another channel's call", async () => {
    const { way, asked, call, find } = await open({ ticketWaitMs: 50 });
    const other = await pair.open((salt += 1), (channel) => way.attach(channel));
    const exchange = call();
    await until("the call is there", () => way.counts.openCalls === 1);
    expect(await codeOf(() => find(exchange.ticket, OTHER_REQUEST))).to.equal("payment/no-call");
    expect(await codeOf(() => find(createTicket()))).to.equal("payment/no-call");
    const claim = (channelId: string, sequence: number, ticket = exchange.ticket): Promise<string> =>
      codeOf(() => way.verify(way.read({ x402Version: 2, accepted: asked, payload: { channelId, sequence, ticket: encodeTicket(ticket) } }, asked), REQUEST, "10.0.0.1"));
    expect(await claim(exchange.channelId, exchange.sequence)).to.equal("none");
    expect(await claim(exchange.channelId, exchange.sequence, createTicket())).to.equal("payment/no-call");
    expect(await claim(exchange.channelId, exchange.sequence + 1)).to.equal("payment/no-call");
    expect(await claim(other.buyers.channelId, exchange.sequence)).to.equal("payment/no-call");
    expect(await claim(`0x${"12".repeat(32)}`, 1)).to.equal("payment/no-call");
  });

  it("channelWay: fails an underpaid call at once, so that its buyer can call anew", async () => {
    const { call, find, buyers, paid } = await open();
    const cheap = call(PRICE_UNITS - 1);
    expect(await codeOf(() => find(cheap.ticket))).to.equal("payment/underpaid");
    expect(await cheap.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNDERPAID });
    expect(paid(buyers)).to.equal(0);
    const dear = call(PRICE_UNITS + 1);
    expect((await find(dear.ticket)).amount).to.equal(BigInt(PRICE_UNITS + 1) * PAIR_SCALE);
  });

  it("channelWay: rounds a price that a channel's unit cannot hold up, never down", async () => {
    const { way, call, asked } = await open({ unit: 1n });
    const odd = way.requirement({ amount: BigInt(PRICE_UNITS) * PAIR_SCALE + 1n, asset: ETH }, 30);
    const [exact, more] = [call(PRICE_UNITS), call(PRICE_UNITS + 1)];
    expect(await codeOf(() => way.find(exact.ticket, REQUEST, odd, "a"))).to.equal("payment/underpaid");
    expect(await codeOf(() => way.find(more.ticket, REQUEST, odd, "a"))).to.equal("none");
    expect(asked.extra).to.include({ unit: "1" });
  });

  it("channelWay: takes a call in one asset for no price in another", async () => {
    const { way, call } = await open();
    const inToken = way.requirement({ amount: PAIR_SCALE, asset: `0x${"11".repeat(20)}` }, 30);
    const exchange = call();
    expect(await codeOf(() => way.find(exchange.ticket, REQUEST, inToken, "a"))).to.equal("payment/wrong-asset");
    expect(await exchange.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNSERVED });
  });

  it("channelWay: fails a call without its request after a while, and a second one with the same hash at once", async () => {
    const { way, call, buyers, paid } = await open({ matchMs: 300 });
    const ticket = createTicket();
    const [first, second] = [call(PRICE_UNITS, ticket), call(PRICE_UNITS, ticket)];
    expect(await second.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.TWICE });
    expect(await first.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNSERVED });
    expect(way.counts).to.include({ openCalls: 0 });
    expect(paid(buyers)).to.equal(0);
  });

  it("channelWay: keeps a call open that was asked for, beyond the time for those that were not", async () => {
    const { way, call, find } = await open({ matchMs: 300 });
    const [asked, forgotten] = [call(), call()];
    const payment = await find(asked.ticket);
    expect(await forgotten.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNSERVED });
    await way.settle(payment, ANSWER);
    expect(await asked.answered).to.deep.include({ isPaid: true });
  });

  it("channelWay: a call that is held ends with its sale only, whatever else comes for it", async () => {
    const { way, call, find } = await open({ matchMs: 100 });
    const [held, given] = [call(), call()];
    const [payment, other] = [await find(held.ticket), await find(given.ticket)];
    expect(way.hold(payment)).to.equal(true);
    const dearer = way.requirement({ amount: BigInt(PRICE_UNITS + 1) * PAIR_SCALE, asset: ETH }, 30);
    for (const { ticket } of [held, given]) expect(await codeOf(() => way.find(ticket, REQUEST, dearer, "a"))).to.equal("payment/underpaid");
    // The price that rose meanwhile ended the one that nobody held.
    expect(await given.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNDERPAID });
    expect([way.hold(other), await codeOf(() => way.settle(other, ANSWER))]).to.deep.equal([false, "payment/unsettled"]);
    expect(await way.settle(payment, ANSWER)).to.have.property("transaction");
    expect(await held.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
    expect(way.hold(payment)).to.equal(false);
  });

  it("channelWay: lets so many requests wait, in all and from one address, and turns the rest away at once", async () => {
    const { way, find, call } = await open({ maxWaiting: 10, maxWaitingEach: 6, ticketWaitMs: 2_500 });
    const codes: string[] = [];
    const ask = (from: string, ticket = createTicket()): Promise<void> => codeOf(() => find(ticket, REQUEST, from)).then((code) => void codes.push(`${from} ${code}`));
    const late = createTicket();
    const all = [ask("a", late), ...Array.from({ length: 40 }, () => ask("a")), ...Array.from({ length: 40 }, () => ask("b"))];
    await new Promise((resolve) => setImmediate(resolve));
    expect(codes).to.have.length(71);
    expect(way.counts.waiting).to.equal(10);
    call(PRICE_UNITS, late);
    await Promise.all(all);
    expect(codes.filter((code) => code === "a none")).to.have.length(1);
    expect(way.counts.waiting).to.equal(0);
    expect(await codeOf(() => find(call().ticket, REQUEST, "a"))).to.equal("none");
  });

  it("channelWay: takes payments, fails calls that carry their request, and refuses payloads that are none", async () => {
    const { way, buyers, asked, paid } = await open();
    await buyers.pay(3n * PAIR_SCALE);
    expect(paid(buyers)).to.equal(3);
    expect(await codeOf(() => buyers.call(new TextEncoder().encode("do it"), PAIR_SCALE))).to.contain("call failed");
    const ticket = encodeTicket(createTicket());
    const channelId = buyers.channelId;
    for (const wrong of [{}, { channelId, sequence: 1 }, { channelId, sequence: 0, ticket }, { channelId: channelId.toUpperCase(), sequence: 1, ticket }, { channelId, sequence: 1, ticket: "" }, { channelId, sequence: 1, ticket, x: 1 }]) {
      expect(await codeOf(() => way.read({ x402Version: 2, accepted: asked, payload: wrong }, asked)), JSON.stringify(wrong)).to.equal("payment/malformed");
    }
  });

  it("channelWay: pays what it has delivered although the buyer is gone, and the buyer learns of it when it is back", async () => {
    const { way, sellers, call, find, buyers } = await open();
    const exchange = call();
    const payment = await find(exchange.ticket);
    await pair.buyer.stop();
    await until("the seller sees that it is gone", () => !sellers.channel.isConnected);
    await way.settle(payment, ANSWER);
    await pair.startBuyer();
    const back = await pair.buyer.open(salt, { address: pair.address });
    await until("the answer has come", () => back.channel.status().outgoing.results === 1);
    expect(back.channel.status().outgoing).to.include({ paid: PRICE_UNITS, credit: 0 });
    expect(await codeOf(() => buyers.begin(REQUEST, 1))).to.not.equal("none");
  });

  it("channelWay: after a restart of the seller serves what is asked again, answers what its ledger knows, and fails the rest", async () => {
    const { way, call, find } = await open();
    const [again, known, lost, due] = [call(), call(), call(), call()];
    const [, payment, , owed] = [await find(again.ticket), await find(known.ticket), await find(lost.ticket), await find(due.ticket)];
    expect(await way.outcome(payment)).to.equal("open");
    await pair.seller.stop();
    way.close();
    await pair.startSeller();
    const next = createWay({ recall: (key) => (key === payment.key ? ANSWER : key === owed.key ? "due" : undefined), repeatMatchMs: 3_000 });
    const sellers = await pair.seller.open(salt);
    next.attach(sellers);
    const asked = next.requirement({ amount: BigInt(PRICE_UNITS) * PAIR_SCALE, asset: ETH }, 30);
    // What its ledger has as answered, without the payment's object, in its long form.
    const offered = next.read({ x402Version: 2, accepted: asked, payload: { channelId: again.channelId, sequence: again.sequence, ticket: encodeTicket(again.ticket) } }, asked);
    expect(await next.outcome(offered)).to.equal("open");
    expect(await next.settle(offered as VerifiedPayment, ANSWER)).to.deep.equal({ transaction: `${again.channelId}:${again.sequence}` });
    for (const exchange of [again, known]) expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: ANSWER });
    expect(await lost.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.UNSERVED });
    // What its ledger still has to end waits for that, however long it takes.
    expect(await next.outcome(owed)).to.equal("open");
    next.release({ ...owed, open: undefined } as OfferedPayment);
    expect(await due.answered).to.deep.equal({ isPaid: false, status: CALL_STATUS.RELEASED });
    expect(await next.outcome(payment)).to.equal("settled");
    expect(await next.outcome({ ...payment, key: `channel:${again.channelId}:99` })).to.equal("lost");
    expect(await next.outcome({ ...payment, key: `channel:0x${"12".repeat(32)}:1` })).to.equal("lost");
    expect(await codeOf(() => next.settle({ ...payment, open: undefined } as VerifiedPayment, ANSWER))).to.equal("payment/unsettled");
  });

  it("channelWay: serves calls that waited in the store for a server before it was attached", async () => {
    const way = createWay();
    const sellers = await pair.seller.open((salt += 1));
    const buyers = await pair.buyer.open(salt, { address: pair.address });
    await until("calls flow", () => buyers.channel.status().phase === "open");
    const exchange = beginByChannel(buyers, PRICE_UNITS, REQUEST);
    await until("the seller has the call", () => sellers.channel.status().incoming.openCalls === 1);
    way.attach(sellers);
    const payment = await way.find(exchange.ticket, REQUEST, way.requirement({ amount: PAIR_SCALE, asset: ETH }, 30), "a");
    await way.settle(payment, ANSWER);
    expect(await exchange.answered).to.deep.include({ isPaid: true });
  });

  it("channelWay: turns away who waits when it is closed, and forgets a channel that was paid out", async () => {
    const { way, buyers, call, find } = await open();
    const waiting = codeOf(() => find(createTicket()));
    const exchange = call();
    await find(exchange.ticket);
    way.detach(buyers.channelId);
    expect(way.counts).to.deep.equal({ openCalls: 0, waiting: 1, channels: 0 });
    way.close();
    expect(await waiting).to.equal("payment/no-call");
    expect(await codeOf(() => find(createTicket()))).to.equal("payment/no-call");
    expect(way.isReady).to.equal(false);
  });

  it("channelWay: asks as the scheme says, and for no fraction of a unit", async () => {
    const way = createWay({ peer: () => "tls://agent.example:7600" });
    expect(way.requirement({ amount: 5n * PAIR_SCALE, asset: ETH }, 30)).to.deep.equal({
      scheme: "agnt2-channel", network: "eip155:31337", asset: ETH, amount: "5000000000", payTo: getAddress(PAIR_ADDRESSES[1]), maxTimeoutSeconds: 30,
      extra: { adjudicator: getAddress(ADJUDICATOR), peer: "tls://agent.example:7600", unit: "1000000000", matchSeconds: 10 },
    });
    expect(await codeOf(() => way.requirement({ amount: 1n, asset: ETH }, 30))).to.contain("SdkError");
  });

  it("channelWay: carries thousands of exchanges, each answered with its own hash", async () => {
    const { way, buyers, asked, call, paid } = await open({ isRecorded: false, maxWaiting: 4_000 });
    const COUNT = 3_000;
    const exchanges = Array.from({ length: COUNT }, () => call());
    await Promise.all(exchanges.map(async (exchange) => {
      const payment = await way.find(exchange.ticket, REQUEST, asked, exchange.header);
      await way.settle(payment, callHash(REQUEST, exchange.ticket));
      expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: exchange.callHash });
    }));
    expect(paid(buyers)).to.equal(COUNT * PRICE_UNITS);
    expect(way.counts).to.deep.include({ openCalls: 0, waiting: 0 });
  });
});
