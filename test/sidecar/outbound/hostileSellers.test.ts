import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";
import { expect } from "chai";

import { PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { signAttestation, encodeAttestation } from "../../../sdk/x402/attestation.ts";
import { answerHash } from "../../../sdk/x402/answerHash.ts";
import { requestHash } from "../../../sdk/x402/requestHash.ts";
import { createLocalSigner } from "../../../sdk/node/index.ts";
import { createLocalSigner as createKeySigner } from "../../../runtime/keystore/createLocalSigner.ts";
import { createExactBuyerWay, createSessionKeyCheck } from "../../../sidecar/outbound/index.ts";
import { sha256 } from "../../../sidecar/outbound/prepareBody.ts";
import { BUYER_ADDRESS, BUYER_KEY, codeOf, stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { STUB_ASSET, STUB_NETWORK, STUB_PAYEE, startSellerStub, stubOffer, stubRequirement } from "../../builders/sellerStub.ts";
import type { SellerStub, StubExchange } from "../../builders/sellerStub.ts";
import { until } from "../../builders/until.ts";

const OTHER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

describe("sidecar/outbound: hostile sellers", () => {
  let stage: BuyerStage;
  const sellers: SellerStub[] = [];

  async function seller(behave?: (exchange: StubExchange) => void | Promise<void>): Promise<SellerStub> {
    const stub = await startSellerStub(behave);
    sellers.push(stub);
    return stub;
  }

  beforeEach(() => {
    stage = stageBuyer();
  });
  afterEach(async () => {
    await stage.stop();
    await Promise.all(sellers.splice(0).map((stub) => stub.stop()));
  });

  const offers: readonly (readonly [what: string, accepts: Parameters<typeof stubRequirement>[0], code: string])[] = [
    ["asks for more than the limit", { amount: "5001" }, "buy/too-expensive"],
    ["asks for more than any number has digits", { amount: "9".repeat(78) }, "buy/too-expensive"],
    ["asks for a negative amount", { amount: "-1" }, "buy/offer"],
    ["asks for an amount in another notation", { amount: "1e3" }, "buy/offer"],
    ["asks for another asset", { asset: OTHER }, "buy/no-way"],
    ["asks on another chain", { network: "eip155:1" }, "buy/no-way"],
    ["asks on a chain that is none of EVM", { network: "solana:abc" }, "buy/no-way"],
    ["asks by a scheme that is not known", { scheme: "upto" }, "buy/no-way"],
    ["asks for a transfer by other means", { extra: { name: "Test Dollar", version: "1", assetTransferMethod: "permit2" } }, "buy/no-way"],
    ["names another request", { extra: { name: "Test Dollar", version: "1", requestHash: `0x${"00".repeat(32)}` } }, "buy/offer"],
  ];
  for (const [what, change, code] of offers) {
    it(`buyer: signs nothing when the seller ${what}`, async () => {
      const stub = await seller();
      stub.accepts = [stubRequirement(change)];
      expect(await codeOf(stage.buyer.fetch(stub.origin))).to.equal(code);
      expect(stage.signatures()).to.equal(0);
      expect(stage.buyer.receipts.list()).to.have.length(0);
    });
  }

  it("buyer: signs nothing when somebody else than the registered agent would be paid", async () => {
    const stub = await seller();
    const careful = await stage.again({ payeeOf: () => OTHER });
    expect(await codeOf(careful.buyer.fetch(stub.origin))).to.equal("buy/payee");
    expect(careful.signatures()).to.equal(0);
    await careful.stop();
  });

  it("buyer: signs nothing when it cannot find out who the registered agent is", async () => {
    const stub = await seller();
    const careful = await stage.again({ payeeOf: () => Promise.reject(new Error("the registry is away")) });
    let problem = "";
    await careful.buyer.fetch(stub.origin).catch((error: Error) => (problem = error.message));
    expect(problem).to.equal("the registry is away");
    expect(careful.signatures()).to.equal(0);
    await careful.stop();
  });

  it("buyer: pays nobody who is not on the list of agents, and asks no host that is not on the list of hosts", async () => {
    const stub = await seller();
    const careful = await stage.again({ agents: [OTHER], hosts: ["127.0.0.1"] });
    expect(await codeOf(careful.buyer.fetch(stub.origin))).to.equal("buy/agent");
    expect(await codeOf(careful.buyer.fetch(`http://localhost:${stub.port}/`))).to.equal("buy/host");
    expect(stub.requests).to.equal(1);
    await careful.stop();
  });

  it("buyer: takes a cheap offer beside a greedy one", async () => {
    const stub = await seller();
    stub.accepts = [stubRequirement({ amount: "900000" }), stubRequirement({ amount: "700" }), stubRequirement({ amount: "800" })];
    await (await stage.buyer.fetch(stub.origin)).text();
    expect(stub.payments[0]!.value).to.equal("700");
  });

  it("buyer: a payment lives no longer than the buyer says, however long the seller asks for", async () => {
    const stub = await seller();
    stub.accepts = [stubRequirement({ maxTimeoutSeconds: 400_000_000 })];
    await (await stage.buyer.fetch(stub.origin)).text();
    expect(stub.payments[0]!.validBefore).to.be.below(Date.now() / 1000 + 310);
  });

  it("buyer: ends an endless 402 after one payment, whose amount stays reserved until it cannot be played", async () => {
    const stub = await seller(({ ask, stub: { accepts } }) => {
      void accepts;
      ask("insufficient");
    });
    expect(await codeOf(stage.buyer.fetch(stub.origin))).to.equal("buy/refused");
    expect(stub.payments).to.have.length(1);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(1_000n);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list()[0]!.state).to.equal("open");
    stage.reader.blockTime = Math.floor(Date.now() / 1000) + 3_600;
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list()[0]!.state).to.equal("dead");
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(0n);
  });

  it("buyer: a price that changes with each question is asked for at most twice, under one nonce", async () => {
    let amount = 1_000;
    const stub = await seller(({ ask, stub: its }) => {
      amount += 10;
      its.accepts = [stubRequirement({ amount: String(amount) })];
      ask();
    });
    expect(await codeOf(stage.buyer.fetch(stub.origin))).to.equal("buy/refused");
    expect(stub.payments).to.have.length(2);
    expect(stub.payments[0]!.nonce).to.equal(stub.payments[1]!.nonce);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(BigInt(stub.payments[1]!.value));
  });

  it("buyer: makes no second payment in another asset while the first may be played", async () => {
    const limits = [STUB_ASSET, OTHER].map((asset) => ({ network: STUB_NETWORK, asset, maxPerCall: 5_000n, perDay: 100_000n }));
    const rich = await stage.again({ limits });
    const stub = await seller(({ ask, payment, stub: its }) => {
      if (payment !== undefined) its.accepts = [stubRequirement({ asset: OTHER })];
      ask();
    });
    expect(await codeOf(rich.buyer.fetch(stub.origin))).to.equal("buy/refused");
    expect(stub.payments).to.have.length(1);
    await rich.stop();
  });

  it("buyer: reads no more than the head of a 402 with megabytes, and of one that never ends", async () => {
    let written = 0;
    const stub = await seller(({ response, stub: its }) => {
      response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer(its.origin, [stubRequirement({ network: "eip155:1" })])) });
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536))) written += 65_536;
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(await codeOf(stage.buyer.fetch(stub.origin))).to.equal("buy/no-way");
    expect(written).to.be.below(8 << 20);
  });

  it("buyer: does not take a 402 that is no offer", async () => {
    for (const header of ["", "%%%", Buffer.from("[]").toString("base64"), Buffer.from('{"x402Version":1,"accepts":[]}').toString("base64"), Buffer.from(`{"x402Version":2,"resource":{"url":"x"},"accepts":[{"scheme":"exact"}]}`).toString("base64")]) {
      const stub = await seller(({ response }) => void response.writeHead(402, { "payment-required": header }).end());
      expect(await codeOf(stage.buyer.fetch(stub.origin)), header).to.equal("buy/offer");
    }
    const plain = await seller(({ response }) => void response.writeHead(402).end("ask a person"));
    expect((await stage.buyer.fetch(plain.origin)).status).to.equal(402);
    expect(stage.signatures()).to.equal(0);
  });

  it("buyer: a redirect carries no payment and no credentials, and each hop is checked", async () => {
    const last = await seller();
    const first = await seller(({ response, request }) => void response.writeHead(302, { location: `${last.origin}/b`, "x-saw": request.headers.authorization ?? "" }).end());
    const response = await stage.buyer.fetch(first.origin, { headers: { authorization: "Bearer of the first host" } });
    expect(response.status).to.equal(200);
    expect(first.payments).to.have.length(0);
    expect(last.payments).to.have.length(1);
    const careful = await stage.again({ hosts: [`127.0.0.1:${first.port}`] });
    expect(await codeOf(careful.buyer.fetch(first.origin))).to.equal("buy/host");
    await careful.stop();
  });

  it("buyer: a redirect after the payment is the answer", async () => {
    const other = await seller();
    const stub = await seller(({ payment, ask, sell }) => (payment === undefined ? ask() : sell(302, "", { location: other.origin })));
    expect((await stage.buyer.fetch(stub.origin)).status).to.equal(302);
    expect(other.requests).to.equal(0);
  });

  it("buyer: follows no redirect to a file or to an address that the policy does not let", async () => {
    const stub = await seller(({ response, request }) => void response.writeHead(302, { location: request.url === "/file" ? "file:///etc/passwd" : "http://169.254.169.254/latest" }).end());
    const careful = await stage.again({ policy: PUBLIC_POLICY, privateOrigins: [stub.origin] });
    for (const path of ["/file", "/metadata"]) expect(await codeOf(careful.buyer.fetch(`${stub.origin}${path}`)), path).to.equal("buy/url");
    await careful.stop();
  });

  it("buyer: connects to no private address, by number, by name or in disguise", async () => {
    const careful = await stage.again({ policy: { ...PUBLIC_POLICY, allowHttp: true, ports: undefined, resolve: async () => ["127.0.0.1"] } });
    for (const url of ["http://127.0.0.1/", "http://[::1]/", "http://0x7f.1/", "http://2130706433/", "http://[::ffff:10.0.0.1]/", "http://rebound.example/", "http://user:pass@example.org/"]) {
      expect(await codeOf(careful.buyer.fetch(url)), url).to.equal("buy/url");
    }
    await careful.stop();
  });

  it("buyer: gives up an answer that never begins or never ends, and the payment is not made again", async () => {
    const quick = await stage.again({ answerMs: 150, idleMs: 150, retries: 1 });
    const silent = await seller(({ payment, ask }) => (payment === undefined ? ask() : undefined));
    expect(await codeOf(quick.buyer.fetch(silent.origin))).to.equal("buy/lost");
    expect(new Set(silent.payments.map(({ nonce }) => nonce)).size).to.equal(1);
    const endless = await seller(({ payment, ask, response, sell }) => {
      if (payment === undefined) return ask();
      void sell;
      response.writeHead(200);
      response.write("beginning");
    });
    const response = await quick.buyer.fetch(endless.origin);
    let isBroken = false;
    await response.text().catch(() => (isBroken = true));
    expect(isBroken).to.equal(true);
    await quick.stop();
  });

  it("buyer: a lost answer is asked for again with the same payment, and paid once", async () => {
    const stub = await seller(({ payment, ask, sell, request, stub: { payments } }) => {
      if (payment === undefined) return ask();
      if (payments.length < 3) return void request.socket.destroy();
      sell();
    });
    const response = await stage.buyer.fetch(stub.origin, { method: "POST", body: "once" });
    expect(await response.text()).to.equal("sold");
    expect(stub.payments).to.have.length(3);
    expect(new Set(stub.payments.map(({ nonce }) => nonce)).size).to.equal(1);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 1_000n, count: 1 });
  });

  it("buyer: the program's own retry after a lost answer shows the same payment", async () => {
    let isUp = false;
    const stub = await seller(({ payment, ask, sell, request }) => {
      if (payment === undefined) return ask();
      if (!isUp) return void request.socket.destroy();
      sell();
    });
    expect(await codeOf(stage.buyer.fetch(stub.origin, { method: "POST", body: "once" }))).to.equal("buy/lost");
    isUp = true;
    const response = await stage.buyer.fetch(stub.origin, { method: "POST", body: "once" });
    await response.text();
    expect(new Set(stub.payments.map(({ nonce }) => nonce)).size).to.equal(1);
    expect(stage.buyer.receipts.list()).to.have.length(1);
    expect(stage.buyer.receipts.of(response)).to.include({ state: "paid", amount: 1_000n });
    const other = await stage.buyer.fetch(stub.origin, { method: "POST", body: "twice" });
    await other.text();
    expect(new Set(stub.payments.map(({ nonce }) => nonce)).size).to.equal(2);
  });

  it("buyer: an answer that breaks off is had again with the same payment; a stream that its reader left is bought anew", async () => {
    let isCutting = true;
    const stub = await seller(({ payment, request, ask, sell, response }) => {
      if (payment === undefined) return ask();
      if (request.url === "/stream") {
        response.writeHead(200, { "payment-response": encodePaymentResponseHeader({ success: true, transaction: "0x", network: STUB_NETWORK }) });
        return void response.write("beginning");
      }
      if (!isCutting) return sell(200, "all of it");
      isCutting = false;
      response.writeHead(200, { "content-length": 9, "payment-response": encodePaymentResponseHeader({ success: true, transaction: "0x", network: STUB_NETWORK }) });
      response.write("all", () => request.socket.destroy());
    });
    const cut = await stage.buyer.fetch(`${stub.origin}/held`);
    expect(await cut.text().then(() => "whole", () => "cut")).to.equal("cut");
    await until("its receipt is written", () => stage.buyer.receipts.of(cut)!.state === "paid");
    expect(await (await stage.buyer.fetch(`${stub.origin}/held`)).text()).to.equal("all of it");
    expect(stub.payments[0]!.nonce).to.equal(stub.payments[1]!.nonce);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 1_000n, count: 1 });
    for (let i = 0; i < 2; i += 1) {
      const stream = await stage.buyer.fetch(`${stub.origin}/stream`);
      const reader = stream.body!.getReader();
      await reader.read();
      await reader.cancel();
      await until("its receipt is written", () => stage.buyer.receipts.of(stream)!.state === "paid");
    }
    expect(stub.payments[2]!.nonce).not.to.equal(stub.payments[3]!.nonce);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 3_000n, count: 3 });
  });

  it("buyer: an attestation is good by the payee's key or its session key, and no proof by an unknown one", async () => {
    const session = createLocalSigner(new Uint8Array(32).fill(9));
    const known = `0x${Buffer.from(session.address).toString("hex")}`;
    const url = "/a";
    const stub = await seller(({ payment, ask, sell, request }) => {
      if (payment === undefined) return ask();
      const asked = requestHash({ method: request.method!, target: request.url! });
      const attested = { requestHash: asked, answerHash: answerHash({ requestHash: asked, status: 200, bodyDigest: sha256(Buffer.from("sold")) }), payment: `exact:${STUB_ASSET}:${BUYER_ADDRESS}:${payment.nonce}`.toLowerCase(), time: 1 };
      return signAttestation(31337, attested, session).then((signed) => sell(200, "sold", { "agnt2-attestation": encodeAttestation(signed) }));
    });
    const key = createKeySigner(BUYER_KEY);
    const cases: readonly (readonly [Parameters<typeof createExactBuyerWay>[0]["isSignerOf"], string])[] = [
      [undefined, "paid"],
      [createSessionKeyCheck({ account: async () => ({ session: { key: known } }) as never }), "paid"],
      [createSessionKeyCheck({ account: async () => undefined }), "paid"],
      [async () => Promise.reject(new Error("away")), "paid"],
      [async () => false, "disputed"],
    ];
    for (const [isSignerOf, state] of cases) {
      const one = stageBuyer({ ways: [createExactBuyerWay({ signer: key, isSignerOf })] });
      const response = await one.buyer.fetch(`${stub.origin}${url}`);
      await response.text();
      expect(one.buyer.receipts.of(response)!.state).to.equal(state);
      await one.stop();
    }
  });

  it("buyer: what a seller takes for a 500 is a receipt that says so", async () => {
    const stub = await seller(({ payment, ask, sell }) => (payment === undefined ? ask() : sell(500, "sorry")));
    const response = await stage.buyer.fetch(stub.origin);
    expect(response.status).to.equal(500);
    await response.text();
    expect(stage.buyer.receipts.of(response)).to.include({ state: "paid", status: 500 });
  });

  it("buyer: a payment that was shown and not settled counts as spent until the chain says that it is dead, or that it was played", async () => {
    const stub = await seller(({ payment, ask, response }) => (payment === undefined ? ask() : void response.writeHead(500).end()));
    for (const path of ["/a", "/b"]) await (await stage.buyer.fetch(`${stub.origin}${path}`)).text();
    await until("the receipts are open", () => stage.buyer.receipts.list({ state: "open" }).length === 2);
    stage.reader.used.add(stub.payments[0]!.nonce);
    stage.reader.isAway = true;
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list({ state: "open" })).to.have.length(2);
    stage.reader.isAway = false;
    stage.reader.blockTime = Math.floor(Date.now() / 1000) + 3_600;
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state)).to.deep.equal(["dead", "paid"]);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 1_000n, count: 1 });
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).inAll).to.equal(1_000n);
  });

  it("buyer: an attestation of other bytes than came makes the receipt disputed, with an event", async () => {
    const signer = { address: Buffer.from(STUB_PAYEE.slice(2), "hex"), sign: () => new Uint8Array(64) };
    const attestation = await signAttestation(31337, { requestHash: new Uint8Array(32), answerHash: new Uint8Array(32), payment: "exact:", time: 0 }, signer);
    const stub = await seller(({ payment, ask, sell }) => (payment === undefined ? ask() : sell(200, "other bytes", { "agnt2-attestation": encodeAttestation(attestation) })));
    const response = await stage.buyer.fetch(stub.origin);
    expect(await response.text()).to.equal("other bytes");
    expect(stage.buyer.receipts.of(response)!.state).to.equal("disputed");
    expect(stage.events.filter(({ kind }) => kind === "disputed")).to.have.length(1);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 1_000n, count: 1 });
  });

  it("buyer: says how far the clocks are apart when a payment is refused", async () => {
    const stub = await seller(({ response, stub: its }) => {
      response.setHeader("date", new Date(Date.now() + 3_600_000).toUTCString());
      response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer(its.origin, its.accepts, "expired")) }).end();
    });
    let skewSeconds = 0;
    await stage.buyer.fetch(stub.origin).catch((error: { payload: { skewSeconds: number } }) => ({ skewSeconds } = error.payload));
    expect(skewSeconds).to.be.within(3_500, 3_700);
  });
});
