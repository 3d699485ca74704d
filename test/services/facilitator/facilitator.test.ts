import { expect } from "chai";
import { Wallet } from "ethers";

import { until } from "../../builders/until.ts";
import { DollarStage, ask, nowSeconds } from "../../builders/dollarStage.ts";
import type { RunningFacilitator } from "../../builders/dollarStage.ts";

describe("facilitator", function () {
  this.timeout(60_000);
  let stage: DollarStage;
  let facilitator: RunningFacilitator;

  before(async () => {
    stage = await DollarStage.start();
    facilitator = await stage.facilitator();
  });
  after(() => stage.stop());

  it("supported: names exact on its chain, and who pays the gas", async () => {
    const supported = (await (await fetch(`${facilitator.url}/supported`)).json()) as { kinds: object[]; signers: Record<string, string[]> };
    expect(supported.kinds).to.deep.equal([{ x402Version: 2, scheme: "exact", network: stage.network }]);
    expect(Object.values(supported.signers).flat()).to.have.length(1);
  });

  it("payment: is found good, sent once, and its first result told again", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    expect(await ask(facilitator.url, "verify", payload, requirements)).to.include({ isValid: true, payer: stage.payer.address });
    const before = await stage.balanceOf(stage.payee.address);
    const first = await ask(facilitator.url, "settle", payload, requirements);
    expect(first).to.include({ success: true, payer: stage.payer.address });
    expect(await ask(facilitator.url, "settle", payload, requirements)).to.deep.equal(first);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + 2_500n);
    expect(await ask(facilitator.url, "verify", payload, requirements)).to.include({ isValid: false });
  });

  it("payment: is sent once when it is asked for many times at once", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    await ask(facilitator.url, "verify", payload, requirements);
    const before = (await stage.transfersTo(stage.payee.address)).length;
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(facilitator.url, "settle", payload, requirements)));
    expect(new Set(answers.map(({ transaction }) => transaction)).size).to.equal(1);
    expect(answers.every(({ success }) => success)).to.equal(true);
    expect((await stage.transfersTo(stage.payee.address)).length).to.equal(before + 1);
  });

  it("payment: pays for one of two requests that both found it good", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    await Promise.all([1, 2].map(() => ask(facilitator.url, "verify", payload, requirements)));
    const answers = await Promise.all([1, 2].map(() => ask(facilitator.url, "settle", payload, requirements)));
    answers.push(await ask(facilitator.url, "settle", payload, requirements));
    expect(answers.filter(({ success }) => success)).to.have.length(1);
    expect(answers.filter(({ errorReason }) => errorReason === "duplicate_settlement")).to.have.length(2);
  });

  it("payment: is refused when it is not what is asked for, and nothing is sent for it", async () => {
    const nonceBefore = await stage.chain.send("eth_getTransactionCount", [((await (await fetch(`${facilitator.url}/supported`)).json()) as { signers: Record<string, [string]> }).signers["eip155:*"]![0], "latest"]);
    const asked = stage.requirements();
    const other = Wallet.createRandom().address;
    const now = nowSeconds();
    const good = await stage.pay();
    const { signature } = good.payload as { signature: string };
    const cases: [string, Awaited<ReturnType<typeof stage.pay>>, typeof asked, string][] = [
      ["expired", await stage.pay(asked, { validBefore: now - 1 }), asked, "invalid_exact_evm_payload_authorization_valid_before"],
      ["about to expire", await stage.pay(asked, { validBefore: now + 3 }), asked, "invalid_exact_evm_payload_authorization_valid_before"],
      ["not yet valid", await stage.pay(asked, { validAfter: now + 100 }), asked, "invalid_exact_evm_payload_authorization_valid_after"],
      ["underpaid", await stage.pay(asked, { value: 2_499n }), asked, "invalid_exact_evm_payload_authorization_value_mismatch"],
      ["overpaid", await stage.pay(asked, { value: 2_501n }), asked, "invalid_exact_evm_payload_authorization_value_mismatch"],
      ["nothing", await stage.pay({ ...asked, amount: "0" }), { ...asked, amount: "0" }, "amount_too_small"],
      ["wrong asset", await stage.pay({ ...asked, asset: other }), { ...asked, asset: other }, "unsupported_asset"],
      ["two assets", await stage.pay({ ...asked, asset: other }), asked, "unsupported_asset"],
      ["wrong chain", await stage.pay({ ...asked, network: "eip155:1" }), { ...asked, network: "eip155:1" }, "invalid_network"],
      ["signed for another chain", await stage.pay(asked, { chainId: 1 }), asked, "invalid_exact_evm_signature"],
      ["wrong payee", await stage.pay({ ...asked, payTo: other }), asked, "invalid_exact_evm_recipient_mismatch"],
      ["somebody else's signature", await stage.pay(asked, { signature }), asked, "invalid_exact_evm_signature"],
      ["no money", await stage.pay(asked, { payer: Wallet.createRandom() as unknown as Wallet }), asked, "invalid_exact_evm_insufficient_balance"],
      ["another kind of payload", { ...good, payload: { permit2Authorization: {}, signature } }, asked, "invalid_payload"],
      ["a nonce that is too short", { ...good, payload: { ...good.payload, authorization: { ...(good.payload["authorization"] as object), nonce: "0x12" } } }, asked, "invalid_payload"],
    ];
    for (const [what, payload, requirements, reason] of cases) {
      expect(await ask(facilitator.url, "verify", payload, requirements), what).to.include({ status: 200, isValid: false, invalidReason: reason });
      expect(await ask(facilitator.url, "settle", payload, requirements), what).to.include({ status: 200, success: false, errorReason: reason, transaction: "" });
    }
    const [account] = ((await (await fetch(`${facilitator.url}/supported`)).json()) as { signers: Record<string, [string]> }).signers["eip155:*"]!;
    expect(await stage.chain.send("eth_getTransactionCount", [account, "latest"])).to.equal(nonceBefore);
  });

  it("asset: is taken in lower case", async () => {
    const requirements = stage.requirements({ asset: stage.asset.toLowerCase() });
    const payload = await stage.pay(requirements);
    expect(await ask(facilitator.url, "verify", payload, requirements)).to.include({ isValid: true });
    expect(await ask(facilitator.url, "settle", payload, requirements)).to.include({ success: true });
  });

  it("cancelled between verify and settle: nothing is paid, and the reason is told", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    expect(await ask(facilitator.url, "verify", payload, requirements)).to.include({ isValid: true });
    await stage.cancel(payload);
    expect(await ask(facilitator.url, "settle", payload, requirements)).to.include({ success: false, errorReason: "invalid_exact_evm_nonce_already_used" });
  });

  it("played by somebody else: is found as settled, and not sent again", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    const transaction = await stage.play(payload);
    expect(await ask(facilitator.url, "settle", payload, requirements)).to.include({ success: true, transaction });
  });

  it("nonce that went elsewhere: is not taken for this payment", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    const { nonce } = payload.payload["authorization"] as { nonce: string };
    await stage.play(await stage.pay(stage.requirements({ payTo: stage.payer.address }), { nonce }));
    expect(await ask(facilitator.url, "settle", payload, requirements)).to.include({ success: false, errorReason: "invalid_exact_evm_nonce_already_used" });
  });

  it("restart: the first result is told again by the chain, and by the journal", async () => {
    const requirements = stage.requirements();
    const payload = await stage.pay();
    const one = await stage.facilitator(["--rate-limit", "0"]);
    const first = await ask(one.url, "settle", payload, requirements);
    expect(first).to.include({ success: true });
    await one.stop();
    const again = await stage.facilitator([], { dataDir: one.dataDir });
    expect(await ask(again.url, "settle", payload, requirements)).to.deep.equal(first);
    await again.stop();
    const fresh = await stage.facilitator();
    expect(await ask(fresh.url, "settle", payload, requirements)).to.deep.equal(first);
    await fresh.stop();
  });

  it("bodies: are refused when they are too large, not JSON, or no payment", async () => {
    const send = async (body: string): Promise<number> => (await fetch(`${facilitator.url}/settle`, { method: "POST", body })).status;
    expect(await send("x".repeat(40_000))).to.equal(413);
    expect(await send("{")).to.equal(400);
    expect(await send("{}")).to.equal(400);
    expect(await send("null")).to.equal(400);
    const chunked = await fetch(`${facilitator.url}/settle`, { method: "POST", body: ReadableStream.from(["[", "1,".repeat(30_000)].map((text) => new TextEncoder().encode(text))), duplex: "half" } as RequestInit).then((answer) => answer.status, () => 413);
    expect(chunked).to.equal(413);
    expect((await fetch(`${facilitator.url}/pay`)).status).to.equal(404);
  });

  it("limits: of payees, of one payer, of one address, of the price of gas, and of small amounts", async () => {
    const requirements = stage.requirements();
    const settle = async (flags: readonly string[], times = 1): Promise<Record<string, unknown>> => {
      const limited = await stage.facilitator(flags);
      let answer: Record<string, unknown> = {};
      for (let index = 0; index < times; index += 1) answer = await ask(limited.url, "settle", await stage.pay(), requirements);
      await limited.stop();
      return answer;
    };
    expect(await settle(["--payees", stage.payer.address])).to.include({ errorReason: "unsupported_payee" });
    expect(await settle(["--payer-per-hour", "1"], 2)).to.include({ errorReason: "payer_limit" });
    expect(await settle(["--rate-limit", "1"], 2)).to.include({ status: 429 });
    expect(await settle(["--min-amount", "2501"])).to.include({ errorReason: "amount_too_small" });
    await stage.chain.send("anvil_setNextBlockBaseFeePerGas", ["0x77359400"]);
    await stage.chain.send("anvil_mine", ["0x1"]);
    expect(await settle(["--max-fee-gwei", "1"])).to.include({ errorReason: "gas_price_too_high" });
  });

  it("status: is well, counts, and says what it may be paid in", async () => {
    await until("it is well", async () => (await fetch(`${facilitator.statusUrl}/health`)).ok);
    const text = await (await fetch(`${facilitator.statusUrl}/metrics`)).text();
    expect(text).to.match(/agnt2_facilitator_requests_total\{route="settle",outcome="settled",service="facilitator"\} [1-9]/);
    expect(await (await fetch(`${facilitator.statusUrl}/v1/status`)).json()).to.deep.include({ assets: [stage.asset], pending: 0 });
  });
});
