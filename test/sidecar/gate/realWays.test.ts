import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { answerHash, decodeAttestation, isAttestationSigned, requestHash } from "../../../sdk/index.ts";
import { beginByChannel, createLocalSigner } from "../../../sdk/node/index.ts";
import { createAttestations } from "../../../sidecar/gate/AnswerHeaders.ts";
import { createGate } from "../../../sidecar/gate/createGate.ts";
import type { RunningGate } from "../../../sidecar/gate/createGate.ts";
import type { Refusal, Sale, SettledSale, Verdict } from "../../../sidecar/gate/Sale.ts";
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import type { Ledger } from "../../../sidecar/ledger/Ledger.ts";
import { recallAnswer } from "../../../sidecar/ledger/recallAnswer.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { parsePricing } from "../../../sidecar/pricing/pricingSchema.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import { ChannelWay } from "../../../sidecar/ways/channelWay.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { ExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { Way } from "../../../sidecar/ways/Way.ts";
import { DollarStage } from "../../builders/dollarStage.ts";
import { PAIR_ADDRESSES, PAIR_SCALE, PaidChannels } from "../../builders/paidChannel.ts";
import { codeOf, requiredOf, saleOf, until } from "./Shop.ts";

const ETH = `0x${"00".repeat(20)}`;
const KEY = new Uint8Array(32).fill(0x5e);
const ANSWER = { status: 200, headers: [["Content-Type", "text/plain"]] as const, body: Buffer.from("tea costs 7") };
const BODY = { read: async (): Promise<Uint8Array> => new Uint8Array() };

/** A gate over a folder, with ways that are real. */
class Store {
  readonly dir: string;
  readonly ledger: Ledger;
  readonly gate: RunningGate;

  constructor(ways: readonly Way[], routes: readonly object[], token: string | undefined, dir = mkdtempSync(join(tmpdir(), "agnt2-real-"))) {
    this.dir = dir;
    this.ledger = createLedger(dir, { minFreeBytes: 0 });
    const prices = new PriceBook(new RouteTable(parsePricing({ routes }), { chain: { asset: ETH, decimals: 18 }, decimalsOf: (asked) => (asked === token ? 6 : undefined) }));
    this.gate = createGate({ ways, prices, ledger: this.ledger, log: silentLogger, answerHeaders: createAttestations({ chainId: 31337, signer: createLocalSigner(KEY) }) });
  }

  async ask(method: string, headers: Record<string, string> = {}): Promise<Verdict> {
    return this.gate.decide({ method, target: "/price?of=tea", headers, remoteAddress: "10.0.0.1", isUpgrade: false }, BODY);
  }

  async close(): Promise<void> {
    await this.gate.stop();
    await this.ledger.close();
  }
}

const headersOf = (payload: PaymentPayload): Record<string, string> => ({ "payment-signature": Buffer.from(JSON.stringify(payload)).toString("base64") });
const refusalOf = (settled: SettledSale): Verdict => ({ kind: "refused", refusal: (settled as { refusal: Refusal }).refusal });

describe("gate with real ways", function () {
  this.timeout(60_000);
  const stores: Store[] = [];
  afterEach(async () => {
    for (const store of stores.splice(0)) {
      await store.close();
      rmSync(store.dir, { recursive: true, force: true });
    }
  });

  describe("exact", () => {
    let stage: DollarStage;
    let way: ExactWay;
    before(async () => {
      stage = await DollarStage.start();
      const { url } = await stage.facilitator();
      way = createExactWay({ chainId: stage.chain.chainId, payTo: stage.payee.address, assets: [{ asset: stage.asset }], facilitatorUrl: url, provider: stage.chain.provider, findMs: 3_000, findPauseMs: 50, probeMs: 500 });
      await way.start();
    });
    after(async () => {
      await way.stop();
      await stage.stop();
    });

    const open = (dir?: string): Store => {
      const store = new Store([way], [{ match: "* /*", x402: { [stage.asset]: "0.0025" } }], stage.asset, dir);
      stores.push(store);
      return store;
    };
    const asked = async (store: Store): Promise<PaymentRequirements> => requiredOf(await store.ask("POST")).accepts[0]!;
    const cameIn = (store: Store): bigint => store.ledger.totals().find(({ payer }) => payer === undefined)?.amount ?? 0n;

    it("exact: one payment in two requests at once is served and settled once, attested, and had again after a restart", async () => {
      let store = open();
      const headers = headersOf(await stage.pay(await asked(store)));
      const before = await stage.balanceOf(stage.payee.address);
      const verdicts = [store.ask("POST", headers), store.ask("POST", headers)];
      const sale = await Promise.race(verdicts.map(async (verdict): Promise<Sale> => saleOf(await verdict)));
      const settled = (await sale.settle(ANSWER)) as Extract<SettledSale, { kind: "paid" }>;
      expect(settled.kind).to.equal("paid");
      expect((await Promise.all(verdicts)).map(({ kind }) => kind).sort()).to.deep.equal(["repeated", "sold"]);
      expect(await stage.balanceOf(stage.payee.address)).to.equal(before + 2_500n);
      const attestation = decodeAttestation(settled.headers.find(([name]) => name === "Agnt2-Attestation")![1]);
      const bought = requestHash({ method: "POST", target: "/price?of=tea" });
      expect(attestation.requestHash).to.deep.equal(bought);
      expect(isAttestationSigned(31337, attestation)).to.equal(true);
      await until(() => store.gate.load().exchanges === 0);
      await store.close();
      store = open(store.dir);
      const again = (await store.ask("POST", headers)) as Extract<Verdict, { kind: "repeated" }>;
      expect(Buffer.from(again.answer.body).toString()).to.equal("tea costs 7");
      expect(again.answer.headers).to.deep.equal([...ANSWER.headers, ...settled.headers]);
      expect(cameIn(store)).to.equal(2_500n);
    });

    it("exact: an authorization that is cancelled between verify and settle brings nobody an answer", async () => {
      const store = open();
      const payload = await stage.pay(await asked(store));
      const before = await stage.balanceOf(stage.payee.address);
      const sale = saleOf(await store.ask("POST", headersOf(payload)));
      await stage.cancel(payload);
      expect(codeOf(refusalOf(await sale.settle(ANSWER)))).to.equal("payment/unsettled");
      expect(codeOf(await store.ask("POST", headersOf(payload)))).to.equal("payment/invalid");
      expect(await stage.balanceOf(stage.payee.address)).to.equal(before);
      expect(cameIn(store)).to.equal(0n);
    });

    it("exact: a payment that settled when nobody could write it down is found on the chain, and its answer given out", async () => {
      let store = open();
      const payload = await stage.pay(await asked(store));
      const before = await stage.balanceOf(stage.payee.address);
      const sale = saleOf(await store.ask("POST", headersOf(payload)));
      (store.ledger as { settled: unknown }).settled = () => new Promise(() => undefined);
      await sale.settle(ANSWER);
      await store.close();
      store = open(store.dir);
      expect(cameIn(store)).to.equal(0n);
      expect(await store.gate.sweep()).to.equal(0);
      expect(cameIn(store)).to.equal(2_500n);
      expect(await stage.balanceOf(stage.payee.address)).to.equal(before + 2_500n);
      expect((await store.ask("POST", headersOf(payload))).kind).to.equal("repeated");
    });

    it("exact: underpaid, for another payee and on another chain are refused by name", async () => {
      const store = open();
      const accepted = await asked(store);
      const code = async (payload: PaymentPayload): Promise<string> => codeOf(await store.ask("POST", headersOf(payload)));
      expect(await code(await stage.pay({ ...accepted, amount: "2499" }))).to.equal("payment/underpaid");
      expect(await code({ ...(await stage.pay({ ...accepted, amount: "2499" })), accepted })).to.equal("payment/underpaid");
      expect(await code({ ...(await stage.pay(accepted, { to: stage.payer.address })), accepted })).to.equal("payment/wrong-payee");
      expect(await code(await stage.pay({ ...accepted, network: "eip155:1" }))).to.equal("payment/wrong-chain");
      expect(await code(await stage.pay(accepted, { validBefore: Math.floor(Date.now() / 1_000) - 1 }))).to.equal("payment/expired");
      expect(await code(await stage.pay(accepted, { validAfter: Math.floor(Date.now() / 1_000) + 100 }))).to.equal("payment/not-yet");
      expect(store.ledger.unfinished(0, 10)).to.deep.equal([]);
    });
  });

  describe("channel", () => {
    const ROUTES = [{ match: "* /*", price: "0.000000007" }];
    const UNITS = 7;
    let pair: PaidChannels;
    let way: ChannelWay;
    let recall: (key: string) => Uint8Array | "due" | undefined;
    before(async () => (pair = await PaidChannels.start()));
    after(() => pair.stop());
    beforeEach(() => {
      recall = () => undefined;
      way = new ChannelWay({ chainId: 31337, adjudicator: `0x${"ad".repeat(20)}`, payTo: PAIR_ADDRESSES[1], peer: pair.address, recall: (key) => recall(key), matchMs: 500, repeatMatchMs: 500 });
    });
    afterEach(() => way.close());

    for (const [method, salt] of [["GET", 1], ["POST", 2]] as const) {
      it(`channel: a ticket buys one answer to a ${method}, and its call has the hash of what was delivered`, async () => {
        const store = new Store([way], ROUTES, undefined);
        stores.push(store);
        recall = recallAnswer(store.ledger);
        const { buyers } = await pair.open(salt, (channel) => way.attach(channel));
        const bought = requestHash({ method, target: "/price?of=tea" });
        const exchange = beginByChannel(buyers, UNITS, bought);
        const sale = saleOf(await store.ask(method, { "agnt2-call": exchange.header }));
        expect(sale.amount).to.equal(BigInt(UNITS) * PAIR_SCALE);
        expect((await sale.settle(ANSWER)).kind).to.equal("paid");
        const hash = answerHash({ requestHash: bought, status: 200, contentType: "text/plain", bodyDigest: createHash("sha256").update(ANSWER.body).digest() });
        expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: hash });
        await until(() => store.gate.load().exchanges === 0);
        const again = await store.ask(method, { "agnt2-call": exchange.header });
        expect(again.kind).to.equal("repeated");
        expect(store.ledger.find(`channel:${exchange.channelId}:${exchange.sequence}`)?.state).to.equal(method === "GET" ? undefined : "settled");

        const failed = beginByChannel(buyers, UNITS, bought);
        await saleOf(await store.ask(method, { "agnt2-call": failed.header })).cancel("upstream-failed");
        expect((await failed.answered).isPaid).to.equal(false);
        const cheap = beginByChannel(buyers, UNITS - 1, bought);
        expect(codeOf(await store.ask(method, { "agnt2-call": cheap.header }))).to.equal("payment/underpaid");
      });
    }
  });
});
