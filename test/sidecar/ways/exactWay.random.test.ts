import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { ExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { VerifiedPayment } from "../../../sidecar/ways/Way.ts";
import { startBadFacilitator } from "../../builders/badFacilitator.ts";
import type { BadFacilitator, Behaviour } from "../../builders/badFacilitator.ts";
import { freshNonce } from "../../builders/dollarSigning.ts";
import { DollarStage } from "../../builders/dollarStage.ts";
import type { RunningFacilitator } from "../../builders/dollarStage.ts";

const SEED = Number(process.env["SEED"] ?? 0) || 20_261_121;
const PAYMENTS = Number(process.env["PAYMENTS"] ?? 32);
const AT_ONCE = 8;
const HASH = new Uint8Array(32);
const PRICE = 2_500n;

/** What a story of one payment ends with: what the seller was told, each time it asked. */
interface Told {
  readonly payload: PaymentPayload;
  /** Transactions of settlements that succeeded. */
  readonly paid: string[];
  /** Refusals for good. */
  unsettled: number;
}

/** mulberry32 */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe(`exact way, anything at any time (SEED=${SEED})`, function () {
  this.timeout(120_000);
  let stage: DollarStage;
  let facilitator: RunningFacilitator;
  let bad: BadFacilitator;
  /** In a hurry, and with time. */
  let [way, patient]: ExactWay[] = [];
  let asked: PaymentRequirements;
  const random = randomOf(SEED);

  before(async () => {
    stage = await DollarStage.start();
    facilitator = await stage.facilitator(["--rate-limit", "0", "--settle-ms", "2s"]);
    bad = await startBadFacilitator(facilitator.url);
    const options = { chainId: stage.chain.chainId, payTo: stage.payee.address, assets: [{ asset: stage.asset }], provider: stage.chain.provider, findPauseMs: 50, verifyTimeoutMs: 20_000 };
    way = createExactWay({ ...options, facilitatorUrl: bad.url, settleTimeoutMs: 600, findMs: 200 });
    patient = createExactWay({ ...options, facilitatorUrl: facilitator.url, findMs: 30_000 });
    await way.start();
    asked = way.requirement({ amount: PRICE, asset: stage.asset }, 300);
  });
  after(async () => {
    await way?.stop();
    await patient?.stop();
    await bad.stop();
    await stage.stop();
  });

  const KINDS: readonly Behaviour[] = [
    "pass", "pass", "pass", "lose-answer", "drop", "page",
    { json: { success: true, transaction: `0x${"cd".repeat(32)}` } },
    { json: { success: false, errorReason: "invalid_exact_evm_nonce_already_used", transaction: "" } },
    { json: { success: false, errorReason: "settlement_pending", transaction: "" } },
  ];

  async function trySettle(payment: VerifiedPayment, told: Told, by = way!): Promise<void> {
    try {
      told.paid.push((await by.settle(payment, HASH)).transaction);
    } catch (error) {
      if (hasErrorCode(error, "payment/unsettled")) told.unsettled += 1;
      else if (!hasErrorCode(error, "way/unavailable")) throw error;
    }
  }

  async function story(): Promise<Told> {
    const payload = await stage.pay(asked);
    const told: Told = { payload, paid: [], unsettled: 0 };
    const payment = await way!.verify(way!.read(payload, asked), HASH, "");
    const nonce = { nonce: (payload.payload["authorization"] as { nonce: string }).nonce };
    // A race that somebody loses fails, as it should.
    const somebody = async (work: () => Promise<unknown>): Promise<void> => void (await work().catch(() => undefined));
    const disturbances = [
      () => Promise.resolve(),
      () => Promise.resolve(),
      () => somebody(() => stage.cancel(payload)),
      () => somebody(() => stage.play(payload)),
      () => somebody(async () => stage.play(await stage.pay({ ...asked, payTo: stage.payer.address }, nonce))),
      () => somebody(async () => stage.play(await stage.pay(asked, { nonce: freshNonce() }))),
    ];
    const disturb = disturbances[random(disturbances.length)]!();
    const times = 1 + random(3);
    if (random(2) === 0) await disturb;
    await Promise.all(Array.from({ length: times }, () => trySettle(payment, told)));
    await disturb;
    if (random(2) === 0) await trySettle(payment, told);
    return told;
  }

  it("settlements: what is told as paid is paid, once, and what is refused for good is never paid", async () => {
    const before = await stage.balanceOf(stage.payee.address);
    const all: Told[] = [];
    let left = PAYMENTS;
    const weather = setInterval(() => (bad.settle = KINDS[random(KINDS.length)]!), 40);
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) all.push(await story());
      }));
    } finally {
      clearInterval(weather);
      bad.settle = "pass";
    }
    // What was left open is settled, or is lost for good.
    for (const told of all) await trySettle({ ...way!.read(told.payload, asked), payer: stage.payer.address.toLowerCase(), amount: PRICE }, told, patient);

    const transfers = await stage.transfersTo(stage.payee.address);
    const settled = new Set<string>();
    for (const { payload, paid, unsettled } of all) {
      const outcome = await way!.outcome(way!.read(payload, asked));
      expect(outcome).to.be.oneOf(["settled", "lost"]);
      expect(new Set(paid).size, "one payment, one transaction").to.be.at.most(1);
      if (paid[0] !== undefined) expect(transfers).to.include(paid[0]);
      if (paid[0] !== undefined) expect(settled.has(paid[0]), "one transaction, one payment").to.equal(false);
      if (paid[0] !== undefined) settled.add(paid[0]);
      expect(outcome === "settled", "told and true").to.equal(paid.length > 0);
      if (outcome === "settled") expect(unsettled, "refused for good").to.equal(0);
    }
    expect(settled.size).to.be.greaterThan(PAYMENTS / 4);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + BigInt(transfers.length) * PRICE);
  });
});
