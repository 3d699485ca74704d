import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";
import { ContractFactory, Signature, Wallet } from "ethers";

import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { ExactWay, ExactWayOptions } from "../../../sidecar/ways/exactWay.ts";
import type { VerifiedPayment } from "../../../sidecar/ways/Way.ts";
import { startBadFacilitator } from "../../builders/badFacilitator.ts";
import type { BadFacilitator, Behaviour } from "../../builders/badFacilitator.ts";
import { dollarDomain, freshNonce, signDollar } from "../../builders/dollarSigning.ts";
import { DollarStage, nowSeconds } from "../../builders/dollarStage.ts";
import type { PaymentChange, RunningFacilitator } from "../../builders/dollarStage.ts";
import { readArtifact } from "../../builders/readArtifact.ts";
import { startSwitchableProxy } from "../../builders/switchableProxy.ts";
import { until } from "../../builders/until.ts";

const HASH = new Uint8Array(32).fill(7);
const PRICE = 2_500n;

describe("exact way", function () {
  this.timeout(60_000);
  let stage: DollarStage;
  let facilitator: RunningFacilitator;
  let bad: BadFacilitator;
  let way: ExactWay;
  let asked: PaymentRequirements;
  const ways: ExactWay[] = [];

  const open = async (change: Partial<ExactWayOptions> = {}): Promise<ExactWay> => {
    const made = createExactWay({
      chainId: stage.chain.chainId, payTo: stage.payee.address, assets: [{ asset: stage.asset }], facilitatorUrl: facilitator.url,
      provider: stage.chain.provider, verifyTimeoutMs: 20_000, findMs: 20_000, findPauseMs: 50, probeMs: 100, ...change,
    });
    ways.push(made);
    await made.start();
    return made;
  };
  const verified = async (by: ExactWay, payload: PaymentPayload): Promise<VerifiedPayment> => await by.verify(by.read(payload, asked), HASH, "127.0.0.1");
  const refused = async (work: Promise<unknown>, code: string): Promise<Record<string, unknown>> => {
    const thrown: unknown = await work.then(() => undefined, (error: unknown) => error);
    expect(hasErrorCode(thrown) ? thrown.code : thrown).to.equal(code);
    return (thrown as { payload: Record<string, unknown> }).payload;
  };
  const pay = (change?: PaymentChange): Promise<PaymentPayload> => stage.pay(asked, change);

  before(async () => {
    stage = await DollarStage.start();
    facilitator = await stage.facilitator();
    bad = await startBadFacilitator(facilitator.url);
    way = await open();
    asked = way.requirement({ amount: PRICE, asset: stage.asset.toLowerCase() }, 300);
  });
  after(async () => {
    for (const each of ways) await each.stop();
    await bad.stop();
    await stage.stop();
  });
  afterEach(() => Object.assign(bad, { supported: "pass", verify: "pass", settle: "pass" }));

  it("requirement: has the checksummed asset, and what the token is signed under", () => {
    expect(way.isReady).to.equal(true);
    expect(asked).to.deep.equal(stage.requirements());
  });

  it("payment: is read, found good, settled once, and the same again", async () => {
    const payload = await pay();
    const offered = way.read(payload, asked);
    const { nonce, validBefore } = payload.payload["authorization"] as { nonce: string; validBefore: string };
    expect(offered).to.include({ key: `exact:${stage.asset}:${stage.payer.address}:${nonce}`.toLowerCase(), expiresAt: Number(validBefore) });
    expect(await way.outcome(offered)).to.equal("open");
    const payment = await verified(way, payload);
    expect(payment).to.include({ payer: stage.payer.address.toLowerCase(), amount: PRICE });
    const before = await stage.balanceOf(stage.payee.address);
    const { transaction } = await way.settle(payment, HASH);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + PRICE);
    expect(await way.settle(payment, HASH)).to.deep.equal({ transaction });
    expect(await way.outcome(offered)).to.equal("settled");
    await refused(verified(way, payload), "payment/invalid");
  });

  it("payment: is refused with its reason when it is not what is asked for", async () => {
    const other = Wallet.createRandom().address;
    const now = nowSeconds();
    const cases: [string, PaymentPayload, string][] = [
      ["underpaid", await pay({ value: PRICE - 1n }), "payment/underpaid"],
      ["overpaid", await pay({ value: PRICE + 1n }), "payment/invalid"],
      ["wrong payee", await pay({ to: other }), "payment/wrong-payee"],
      ["wrong asset", await stage.pay({ ...asked, asset: other }), "payment/wrong-asset"],
      ["wrong chain", await stage.pay({ ...asked, network: "eip155:1" }), "payment/wrong-chain"],
      ["signed for another chain", await pay({ chainId: 1 }), "payment/invalid"],
      ["expired", await pay({ validBefore: now - 1 }), "payment/expired"],
      ["about to expire", await pay({ validBefore: now + 4 }), "payment/expired"],
      ["ending while the service may still work", await pay({ validBefore: now + 200 }), "payment/expired"],
      ["not yet valid", await pay({ validAfter: now + 100 }), "payment/not-yet"],
      ["valid for a year", await pay({ validBefore: now + 31_536_000 }), "payment/invalid"],
      ["without money", await pay({ payer: Wallet.createRandom() as unknown as Wallet }), "payment/invalid"],
    ];
    for (const [what, payload, code] of cases) await refused(verified(way, payload), code).catch((error: Error) => Promise.reject(new Error(`${what}: ${error.message}`)));
    const { payload } = await pay();
    const malformed = [{}, { authorization: payload["authorization"] }, { ...payload, signature: "0x" }, { ...payload, authorization: { ...(payload["authorization"] as object), value: "-1" } }, { permit2Authorization: {} }];
    for (const each of malformed) expect(() => way.read({ x402Version: 2, accepted: asked, payload: each as Record<string, unknown> }, asked)).to.throw().with.property("code", "payment/malformed");
    expect(() => way.read({ x402Version: 1, accepted: asked, payload }, asked)).to.throw().with.property("code", "payment/malformed");
  });

  it("asset in lower case: is the same asset and the same key", async () => {
    const payload = await stage.pay({ ...asked, asset: stage.asset.toLowerCase() });
    const payment = await verified(way, payload);
    expect(payment.key).to.equal(way.read({ ...payload, accepted: asked }, asked).key);
    await way.settle(payment, HASH);
  });

  it("one payment settled many times at once: is paid once, and every time the same is said", async () => {
    const payment = await verified(way, await pay());
    await verified(way, payment.payload);
    const before = await stage.balanceOf(stage.payee.address);
    const results = await Promise.all(Array.from({ length: 5 }, async () => await way.settle(payment, HASH)));
    expect(new Set(results.map(({ transaction }) => transaction)).size).to.equal(1);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + PRICE);
  });

  it("cancelled between verify and settle: is unsettled for good", async () => {
    const payment = await verified(way, await pay());
    await stage.cancel(payment.payload);
    expect(await refused(Promise.resolve(way.settle(payment, HASH)), "payment/unsettled")).to.deep.equal({ reason: "cancelled" });
    expect(await way.outcome(payment)).to.equal("lost");
  });

  it("nonce that went to another payment of the payer: is unsettled for good", async () => {
    const payment = await verified(way, await pay());
    const { nonce } = payment.payload.payload["authorization"] as { nonce: string };
    await stage.play(await stage.pay({ ...asked, payTo: stage.payer.address }, { nonce }));
    expect(await refused(Promise.resolve(way.settle(payment, HASH)), "payment/unsettled")).to.deep.equal({ reason: "spent" });
    expect(await way.outcome(payment)).to.equal("lost");
  });

  it("played by somebody else: is settled, and no other transaction is sent for it", async () => {
    const payment = await verified(way, await pay());
    const transaction = await stage.play(payment.payload);
    expect(await way.settle(payment, HASH)).to.deep.equal({ transaction });
  });

  it("money gone between verify and settle: is unsettled", async () => {
    const poor = new Wallet(Wallet.createRandom().privateKey, stage.chain.provider);
    await stage.mint(poor.address, PRICE);
    const payment = await verified(way, await pay({ payer: poor }));
    await stage.play(await stage.pay({ ...asked, payTo: stage.payer.address }, { payer: poor }));
    await refused(Promise.resolve(way.settle(payment, HASH)), "payment/unsettled");
  });

  it("contract as payer (ERC-1271): pays", async () => {
    const owner = stage.payer;
    const { abi, bytecode } = readArtifact("test/actors/SmartWallet");
    await stage.chain.send("anvil_setBalance", [owner.address, "0xde0b6b3a7640000"]);
    const wallet = await (await new ContractFactory(abi, bytecode, owner).deploy()).getAddress();
    await stage.mint(wallet);
    const now = nowSeconds();
    const terms = { from: wallet, to: asked.payTo, value: PRICE, validAfter: now - 60, validBefore: now + 300, nonce: freshNonce() };
    const { r, s, v } = Signature.from(await signDollar(owner, dollarDomain(stage.asset, stage.chain.chainId), "TransferWithAuthorization", terms));
    const payment = await verified(way, await pay({ ...terms, signature: `0x71${r.slice(2)}${s.slice(2)}${v.toString(16)}` }));
    const before = await stage.balanceOf(asked.payTo);
    await way.settle(payment, HASH);
    expect(await stage.balanceOf(asked.payTo)).to.equal(before + PRICE);
  });

  describe("facilitator that is bad", () => {
    const FAKE = `0x${"ab".repeat(32)}`;
    let wary: ExactWay;
    before(async () => (wary = await open({ facilitatorUrl: bad.url, settleTimeoutMs: 2_000 })));

    it("says settled and did not: is not believed, whatever transaction it names", async () => {
      const brief = await open({ facilitatorUrl: bad.url, findMs: 100 });
      const payment = await verified(way, await pay());
      const earlier = (await stage.transfersTo(stage.payee.address))[0]!;
      for (const transaction of [FAKE, earlier, "", "0x12", "nonsense"]) {
        bad.settle = { json: { success: true, transaction, network: stage.network, payer: stage.payer.address } };
        await refused(Promise.resolve(brief.settle(payment, HASH)), "way/unavailable");
      }
      expect(await brief.outcome(payment)).to.equal("open");
      await way.settle(payment, HASH);
    });

    it("says settled and is trusted: is believed", async () => {
      const trusting = await open({ facilitatorUrl: bad.url, trustFacilitator: true });
      const payment = await verified(trusting, await pay());
      bad.settle = { json: { success: true, transaction: FAKE, network: stage.network } };
      expect(await trusting.settle(payment, HASH)).to.deep.equal({ transaction: FAKE });
    });

    it("says failed and did settle: is not believed either", async () => {
      const payment = await verified(wary, await pay());
      const transaction = await stage.play(payment.payload);
      bad.settle = { json: { success: false, errorReason: "insufficient_funds", transaction: "", network: stage.network } };
      expect(await wary.settle(payment, HASH)).to.deep.equal({ transaction });
    });

    it("loses its answer after it has settled: the payment is found on L1", async () => {
      for (const behaviour of ["lose-answer", "hang"] as Behaviour[]) {
        const payment = await verified(wary, await pay());
        bad.settle = behaviour;
        const settled = Promise.resolve(wary.settle(payment, HASH));
        if (behaviour === "hang") await stage.play(payment.payload);
        await settled;
        expect(await wary.outcome(payment)).to.equal("settled");
      }
    });

    it("is away for the first request and back for a later one: the payment is settled in the same call", async () => {
      const payment = await verified(wary, await pay());
      bad.settle = "drop";
      const settled = wary.settle(payment, HASH);
      await until("it was asked", () => bad.settles > 0);
      bad.settle = "pass";
      await settled;
    });

    it("hangs, drops, floods, redirects or answers with something else: nothing is served and nothing is lost", async () => {
      const payment = await verified(way, await pay());
      const kinds: Behaviour[] = ["hang", "drop", "flood", "page", "redirect", { json: {} }, { json: { success: "yes", transaction: 5 } }, { status: 500, json: { error: { code: "facilitator/internal" } } }];
      const brief = await open({ facilitatorUrl: bad.url, verifyTimeoutMs: 300, settleTimeoutMs: 300, findMs: 200 });
      for (const kind of kinds) {
        Object.assign(bad, { verify: kind, settle: kind });
        await refused(verified(brief, payment.payload), "way/unavailable");
        await refused(Promise.resolve(brief.settle(payment, HASH)), "way/unavailable");
      }
      await way.settle(payment, HASH);
    }).timeout(30_000);

    it("finds good what is not: an authorization that was used or cancelled is refused all the same", async () => {
      bad.verify = { json: { isValid: true, payer: stage.payer.address } };
      const used = await pay();
      await stage.play(used);
      await refused(verified(wary, used), "payment/invalid");
      const cancelled = await pay();
      await stage.cancel(cancelled);
      await refused(verified(wary, cancelled), "payment/invalid");
    });

    it("goes away and comes back: the way is not ready meanwhile", async () => {
      for (const behaviour of ["drop", { json: { kinds: [{ x402Version: 2, scheme: "exact", network: "eip155:1" }] } }] as Behaviour[]) {
        bad.supported = behaviour;
        await until("it is not offered", () => !wary.isReady);
        bad.supported = "pass";
        await until("it is offered again", () => wary.isReady);
      }
    });
  });

  it("L1 that is away: nothing is said of a payment until it is back", async () => {
    const proxy = await startSwitchableProxy(stage.chain.url);
    const { createL1Provider } = await import("../../../sdk/index.ts");
    const provider = await createL1Provider(proxy.url, stage.chain.chainId, { timeoutMs: 20_000 });
    try {
      const cut = await open({ provider, findMs: 200 });
      const payment = await verified(way, await pay());
      proxy.isUp = false;
      await refused(verified(cut, payment.payload), "way/unavailable");
      await refused(Promise.resolve(cut.settle(payment, HASH)), "way/unavailable");
      await refused(cut.outcome(payment), "way/unavailable");
      proxy.isUp = true;
      await way.settle(payment, HASH);
      expect(await cut.outcome(payment)).to.equal("settled");
    } finally {
      provider.destroy();
      await proxy.stop();
    }
  });

  it("payment whose time is over and that never came: is lost", async () => {
    const now = nowSeconds();
    const payload = await pay({ validBefore: now - 1 });
    await stage.chain.send("anvil_mine", ["0x1"]);
    expect(await way.outcome(way.read(payload, asked))).to.equal("lost");
  });
});
