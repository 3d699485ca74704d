import { expect } from "chai";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { ExactWay, ExactWayOptions } from "../../../sidecar/ways/exactWay.ts";
import type { VerifiedPayment } from "../../../sidecar/ways/Way.ts";
import { DollarStage } from "../../builders/dollarStage.ts";
import type { PaymentChange, RunningFacilitator } from "../../builders/dollarStage.ts";

const HASH = new Uint8Array(32).fill(7);
const PRICE = 2_500n;

describe("exact way", function () {
  this.timeout(60_000);
  let stage: DollarStage;
  let facilitator: RunningFacilitator;
  let way: ExactWay;
  let asked: PaymentRequirements;
  const ways: ExactWay[] = [];

  const open = async (change: Partial<ExactWayOptions> = {}): Promise<ExactWay> => {
    const made = createExactWay({
      chainId: stage.chain.chainId, payTo: stage.payee.address, assets: [{ asset: stage.asset }], facilitatorUrl: facilitator.url,
      provider: stage.chain.provider, findMs: 2_000, findPauseMs: 50, probeMs: 100, ...change,
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
    way = await open();
    asked = way.requirement({ amount: PRICE, asset: stage.asset.toLowerCase() }, 300);
  });
  after(async () => {
    for (const each of ways) await each.stop();
    await stage.stop();
  });

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
});
