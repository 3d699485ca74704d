import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { CallScheme, SdkError, answerHash, callHash, createTicket, encodeTicket, requestHash, toHex } from "../../../sdk/index.ts";
import type { Agent, InvokeRequest } from "../../../sdk/index.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import { CallWay } from "../../../sidecar/ways/callWay.ts";
import type { CallWayOptions } from "../../../sidecar/ways/callWay.ts";
import type { OfferedPayment, VerifiedPayment } from "../../../sidecar/ways/Way.ts";
import { CALL_SCALE, CallScene } from "../../builders/callScene.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE_UNITS = 5;
const ROUTE_SECONDS = 30;
const REQUEST = requestHash({ method: "GET", target: "/weather" });
const OTHER_REQUEST = requestHash({ method: "GET", target: "/stocks" });
const ANSWER = answerHash({ requestHash: REQUEST, status: 200 });
const OTHER_ANSWER = answerHash({ requestHash: REQUEST, status: 201 });

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return error instanceof SidecarError || error instanceof SdkError ? error.code : String(error);
  }
}

describe("callWay", function () {
  this.timeout(60_000);
  let scene: CallScene;
  let [buyer, seller, stranger]: Agent[] = [];
  let way: CallWay;
  let asked: PaymentRequirements;

  before(async () => {
    scene = await CallScene.start();
    [buyer, seller, stranger] = [await scene.agent(0), await scene.agent(1), await scene.agent(2)];
    way = await createWay();
    asked = way.requirement({ amount: BigInt(PRICE_UNITS) * CALL_SCALE, asset: ETH }, ROUTE_SECONDS);
  });
  after(() => scene.stop());

  async function createWay(options: Partial<CallWayOptions> = {}): Promise<CallWay> {
    const created = new CallWay({ agent: seller!, ...options });
    await created.start();
    return created;
  }

  const payloadOf = (payload: Record<string, unknown>): PaymentPayload => ({ x402Version: 2, accepted: asked, payload });
  /** Pays as buyers do. */
  async function pay(request = REQUEST, ticket = createTicket()): Promise<OfferedPayment> {
    const { payload } = await new CallScheme({ agent: buyer! }).forRequest(request, ticket).createPaymentPayload(2, asked);
    return way.read(payloadOf(payload), asked);
  }
  /** Pays as no buyer should. */
  async function payOddly(change: Partial<InvokeRequest>, ticket = createTicket()): Promise<OfferedPayment> {
    const request = { provider: 2, price: BigInt(PRICE_UNITS) * CALL_SCALE, input: { hash: toHex(callHash(REQUEST, ticket)) }, deadlineSeconds: 90, ...change };
    const { slot, id } = await buyer!.invoke(request).durable;
    return way.read(payloadOf({ slot, id, ticket: encodeTicket(ticket) }), asked);
  }
  const verify = async (payment: OfferedPayment, request = REQUEST): Promise<VerifiedPayment> => way.verify(payment, request, "10.0.0.1");
  const balance = async (agent: Agent): Promise<number> => (await agent.account()).balance;

  it("callWay: serves a call for its request, is paid by the RESPOND, and the chain has both hashes", async () => {
    const before = await balance(seller!);
    const payment = await verify(await pay());
    expect(payment).to.include({ payer: buyer!.address, amount: BigInt(PRICE_UNITS) * CALL_SCALE });
    expect(payment.expiresAt).to.be.greaterThan(Date.now() / 1000 + ROUTE_SECONDS);
    expect(await way.outcome(payment)).to.equal("open");
    const { transaction } = await way.settle(payment, ANSWER);
    expect(transaction).to.match(/^\d+:\d+$/);
    expect(await balance(seller!)).to.equal(before + PRICE_UNITS);
    expect(await way.outcome(payment)).to.equal("settled");
  });

  it("callWay: pays the same answer once, however often it is settled", async () => {
    const before = await balance(seller!);
    const payment = await verify(await pay());
    const both = await Promise.all([way.settle(payment, ANSWER), way.settle(payment, ANSWER)]);
    expect(both[0]).to.deep.equal(both[1]);
    expect(await way.settle(payment, ANSWER)).to.deep.equal(both[0]);
    expect(await balance(seller!)).to.equal(before + PRICE_UNITS);
    // Another process of the same agent has not answered it: it serves nobody for it.
    expect(await codeOf(async () => (await createWay()).settle(payment, ANSWER))).to.equal("payment/unsettled");
  });

  it("callWay: refuses a second answer while the first is under way, and after it", async () => {
    const payment = await verify(await pay());
    const first = way.settle(payment, ANSWER);
    expect(await codeOf(() => way.settle(payment, OTHER_ANSWER))).to.equal("payment/unsettled");
    await first;
    expect(await codeOf(() => way.settle(payment, OTHER_ANSWER))).to.equal("payment/unsettled");
  });

  it("callWay: gives the price back on release, again without effect, and pays nothing then", async () => {
    const before = [await balance(buyer!), await balance(seller!)];
    const payment = await verify(await pay());
    expect(await balance(buyer!)).to.equal(before[0]! - PRICE_UNITS);
    await way.release(payment);
    await way.release(payment);
    expect([await balance(buyer!), await balance(seller!)]).to.deep.equal(before);
    expect(await codeOf(() => way.settle(payment, ANSWER))).to.equal("payment/unsettled");
    expect(await codeOf(() => verify(payment))).to.equal("payment/no-call");
  });

  it("callWay: takes a payment for no other request, and from nobody without its ticket", async () => {
    const payment = await pay();
    expect(await codeOf(() => verify(payment, OTHER_REQUEST))).to.equal("payment/other-request");
    const { slot, id } = payment.payload.payload as { slot: number; id: number };
    const guessed = way.read(payloadOf({ slot, id, ticket: encodeTicket(createTicket()) }), asked);
    expect(guessed.key).to.equal(payment.key);
    expect(await codeOf(() => verify(guessed))).to.equal("payment/other-request");
    await way.release(await verify(payment));
  });

  it("callWay: refuses a call that is for somebody else, pays too little, or ends too soon", async () => {
    expect(await codeOf(async () => verify(await payOddly({ provider: 3 })))).to.equal("payment/wrong-payee");
    expect(await codeOf(async () => verify(await payOddly({ price: BigInt(PRICE_UNITS - 1) * CALL_SCALE })))).to.equal("payment/underpaid");
    expect(await codeOf(async () => verify(await payOddly({ deadlineSeconds: ROUTE_SECONDS + 5 })))).to.equal("payment/expired");
    expect(await codeOf(async () => verify(await payOddly({ price: BigInt(PRICE_UNITS + 1) * CALL_SCALE })))).to.equal("none");
  });

  it("callWay: refuses calls that its answer would not pay: under review, or a step of a workflow", async () => {
    expect(await codeOf(async () => verify(await payOddly({ review: { windowSeconds: 60 } })))).to.equal("payment/invalid");
    const workflow = buyer!.workflow({ steps: 1, escrow: BigInt(PRICE_UNITS) * CALL_SCALE, deadlineSeconds: 120 });
    const ticket = createTicket();
    const { slot, id } = await workflow.step({ provider: 2, price: BigInt(PRICE_UNITS) * CALL_SCALE, input: { hash: toHex(callHash(REQUEST, ticket)) }, deadlineSeconds: 90 }).durable;
    expect(await codeOf(() => verify(way.read(payloadOf({ slot, id, ticket: encodeTicket(ticket) }), asked)))).to.equal("payment/invalid");
  });

  it("callWay: refuses what never was, an id of another call in the slot, and another asset", async () => {
    const quick = await createWay({ lookupMs: 100 });
    const payment = await pay();
    const { slot, id } = payment.payload.payload as { slot: number; id: number };
    for (const wrong of [{ slot: 4_000_000, id: 1 }, { slot, id: id + 1 }]) {
      expect(await codeOf(() => quick.verify(quick.read(payloadOf({ ...wrong, ticket: encodeTicket(createTicket()) }), asked), REQUEST, "a"))).to.equal("payment/no-call");
    }
    expect(await codeOf(() => verify({ ...payment, requirement: { ...asked, asset: `0x${"11".repeat(20)}` } }))).to.equal("payment/wrong-asset");
    await way.release(payment);
  });

  it("callWay: waits for a call that the sequencer does not show yet", async () => {
    const first = await verify(await pay());
    const { slot, id } = first.payload.payload as { slot: number; id: number };
    await way.settle(first, ANSWER);
    // Slots are given out again, ids are not: the next call is known before it is made.
    const ticket = createTicket();
    const patient = await createWay({ lookupMs: 20_000 });
    const early = codeOf(() => patient.verify(way.read(payloadOf({ slot, id: id + 1, ticket: encodeTicket(ticket) }), asked), REQUEST, "a"));
    await pay(REQUEST, ticket);
    expect(await early).to.equal("none");
  });

  it("callWay: lets so many wait for calls, in all and from one address, and turns the rest away at once", async () => {
    const narrow = await createWay({ maxWaiting: 6, maxWaitingEach: 4, lookupMs: 600 });
    const ask = (from: string, id: number): Promise<string> => codeOf(() => narrow.verify(narrow.read(payloadOf({ slot: 4_000_000, id, ticket: encodeTicket(createTicket()) }), asked), REQUEST, from));
    const done: string[] = [];
    const asks = [...Array.from({ length: 10 }, (_, i) => ["a", i + 1] as const), ...Array.from({ length: 10 }, (_, i) => ["b", i + 11] as const)];
    const all = asks.map(([from, id]) => ask(from, id).then((code) => void done.push(`${from} ${code}`)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).to.have.length(14).and.include("a payment/no-call");
    await Promise.all(all);
    expect(done.every((line) => line.endsWith("payment/no-call"))).to.equal(true);
    // The room is free again.
    const payment = await pay();
    expect(await codeOf(() => narrow.verify(payment, REQUEST, "a"))).to.equal("none");
    await narrow.release(payment);
  });

  it("callWay: refuses payloads that are none, without asking anybody", async () => {
    const ticket = encodeTicket(createTicket());
    for (const wrong of [{}, { slot: 1, id: 1 }, { slot: 1, id: 0, ticket }, { slot: -1, id: 1, ticket }, { slot: 1.5, id: 1, ticket }, { slot: "1", id: 1, ticket }, { slot: 1, id: 1, ticket, more: 1 }, { slot: 1, id: 1, ticket: `${ticket}A` }, { slot: 2 ** 32, id: 1, ticket }, { slot: 1, id: 2 ** 53, ticket }]) {
      expect(await codeOf(() => way.read(payloadOf(wrong), asked)), JSON.stringify(wrong)).to.equal("payment/malformed");
    }
  });

  it("callWay: asks only for prices that the chain can count", async () => {
    expect(await codeOf(() => way.requirement({ amount: CALL_SCALE + 1n, asset: ETH }, 30))).to.equal("SDK_AMOUNT");
    expect(asked).to.deep.include({ scheme: "agnt2-call", network: "eip155:31337", amount: String(5n * CALL_SCALE), maxTimeoutSeconds: ROUTE_SECONDS });
    expect(asked.extra).to.deep.include({ provider: 2, unit: String(CALL_SCALE), deadlineSeconds: ROUTE_SECONDS + 30 });
  });

  it("callWay: is not ready, and says so, before it has an account", async () => {
    const cold = new CallWay({ agent: seller! });
    expect(cold.isReady).to.equal(false);
    expect(await codeOf(() => cold.requirement({ amount: 0n, asset: ETH }, 1))).to.equal("way/unavailable");
    expect(way.isReady).to.equal(true);
  });

  describe("CallScheme", () => {
    const refusal = (change: Partial<PaymentRequirements>, extra: Record<string, unknown> = {}, options: { maxDeadlineSeconds?: number } = {}): Promise<string> =>
      codeOf(() => new CallScheme({ agent: buyer!, ...options }).forRequest(REQUEST).createPaymentPayload(2, { ...asked, ...change, extra: { ...asked.extra, ...extra } }));

    it("CallScheme: pays nothing on another chain, in another rollup, in another asset, or to an account that is not the payee's", async () => {
      const before = await balance(buyer!);
      expect(await refusal({ network: "eip155:1" })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, { rollup: `0x${"11".repeat(20)}` })).to.equal("SDK_PAYMENT");
      expect(await refusal({ asset: `0x${"11".repeat(20)}` })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, { provider: 3 })).to.equal("SDK_PAYMENT");
      expect(await refusal({ payTo: stranger!.address })).to.equal("SDK_PAYMENT");
      expect(await refusal({ payTo: `0x${"11".repeat(20)}` })).to.equal("SDK_NO_ACCOUNT");
      expect(await refusal({ scheme: "exact" })).to.equal("SDK_PAYMENT");
      expect(await balance(buyer!)).to.equal(before);
    });

    it("CallScheme: pays no fraction of a unit, locks no money for long, and pays for no request that only the seller names", async () => {
      const before = await balance(buyer!);
      expect(await refusal({ amount: "1" })).to.equal("SDK_AMOUNT");
      expect(await refusal({ amount: "-5" })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, { deadlineSeconds: 3_600 })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, {}, { maxDeadlineSeconds: 10 })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, { requestHash: toHex(OTHER_REQUEST) })).to.equal("SDK_PAYMENT");
      expect(await refusal({}, { requestHash: "0x12" })).to.equal("SDK_PAYMENT");
      expect(await codeOf(() => new CallScheme({ agent: buyer! }).createPaymentPayload(2, asked))).to.equal("SDK_PAYMENT");
      expect(await refusal({ amount: String(10n ** 30n) })).to.equal("SDK_AMOUNT");
      expect(await refusal({ amount: String(2_000_000n * CALL_SCALE) })).to.equal("E_BALANCE");
      expect(await balance(buyer!)).to.equal(before);
    });

    it("CallScheme: bound to a request pays once, however often it is asked", async () => {
      const before = await balance(buyer!);
      const bound = new CallScheme({ agent: buyer! }).forRequest(REQUEST);
      const [one, two] = await Promise.all([bound.createPaymentPayload(2, asked), bound.createPaymentPayload(2, asked)]);
      expect(one).to.deep.equal(two);
      expect(await balance(buyer!)).to.equal(before - PRICE_UNITS);
      await way.release(way.read(payloadOf(one.payload), asked));
    });
  });

  it("callWay: says that it cannot check while the sequencer is away, and settles what it had verified when it is back", async () => {
    const [first, second, third] = [await verify(await pay()), await pay(), await verify(await pay())];
    const impatientWay = createWay({ answerMs: 50 });
    await impatientWay;
    const before = await balance(seller!);
    await scene.killSequencer();
    expect(await codeOf(() => verify(second))).to.equal("way/unavailable");
    const impatient = await impatientWay;
    expect(await codeOf(() => impatient.settle(first, ANSWER))).to.equal("way/unavailable");
    expect(await codeOf(() => impatient.release(third))).to.equal("way/unavailable");
    const waiting = way.settle(first, ANSWER);
    await scene.restartSequencer();
    expect(await codeOf(async () => waiting)).to.be.oneOf(["none", "payment/unsettled", "way/unavailable"]);
    // What went out while it was away has come through now, or is asked again.
    expect(await codeOf(async () => ((await way.outcome(first)) === "open" ? way.settle(first, ANSWER) : undefined))).to.equal("none");
    expect(await codeOf(() => impatient.settle(first, ANSWER))).to.equal("none");
    await way.settle(await verify(second), ANSWER);
    expect(await balance(seller!)).to.equal(before + 2 * PRICE_UNITS);
    expect(await way.outcome(first)).to.equal("settled");
  });
});
