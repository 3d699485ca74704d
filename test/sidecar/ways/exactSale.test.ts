import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { PaymentPayload } from "@x402/core/types";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { expect } from "chai";
import { privateKeyToAccount } from "viem/accounts";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createDoor } from "../../../sidecar/door/createDoor.ts";
import type { Door } from "../../../sidecar/door/createDoor.ts";
import { createGate } from "../../../sidecar/gate/createGate.ts";
import type { RunningGate } from "../../../sidecar/gate/createGate.ts";
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import type { Ledger } from "../../../sidecar/ledger/Ledger.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { parsePricing } from "../../../sidecar/pricing/pricingSchema.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import type { ExactWay } from "../../../sidecar/ways/exactWay.ts";
import { startBadFacilitator } from "../../builders/badFacilitator.ts";
import type { BadFacilitator } from "../../builders/badFacilitator.ts";
import { DollarStage } from "../../builders/dollarStage.ts";

const ETH = `0x${"00".repeat(20)}`;
const PRICE = 10_000n;

/** A service behind door, gate, ledger and the way `exact`; stopped and started again it finds its folder. */
interface Seller {
  readonly url: string;
  stop(): Promise<void>;
}

/** Whoever buys is @x402/fetch as it comes from the registry, or sends what it would. */
describe("service that is sold by x402 exact", function () {
  this.timeout(60_000);
  let stage: DollarStage;
  let bad: BadFacilitator;
  let upstream: Server;
  let served = 0;
  let status = 200;
  /** What happens while the service works. */
  let meanwhile = (): Promise<void> => Promise.resolve();

  async function open(dir: string): Promise<Seller> {
    const way: ExactWay = createExactWay({
      chainId: stage.chain.chainId, payTo: stage.payee.address, assets: [{ asset: stage.asset }], facilitatorUrl: bad.url,
      provider: stage.chain.provider, verifyTimeoutMs: 20_000, settleTimeoutMs: 20_000, findMs: 300, findPauseMs: 50, probeMs: 200,
    });
    await way.start();
    const routes = parsePricing({ routes: [{ match: "* /*", x402: { [stage.asset]: "0.01" } }] });
    const prices = new PriceBook(new RouteTable(routes, { chain: { asset: ETH, decimals: 18 }, decimalsOf: () => 6 }));
    const ledger: Ledger = createLedger(dir, { minFreeBytes: 0 });
    const gate: RunningGate = createGate({ ways: [way], prices, ledger, log: silentLogger, limits: { sweepMs: 100 } });
    gate.start();
    const door: Door = createDoor({ gate, upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, log: silentLogger });
    await door.listen("127.0.0.1", 0);
    return {
      url: `http://127.0.0.1:${door.address.port}/work`,
      async stop() {
        await door.close();
        await gate.stop();
        await ledger.close();
        await way.stop();
      },
    };
  }

  const fetchAndPay = () =>
    wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: stage.network, client: new ExactEvmScheme(privateKeyToAccount(stage.payer.privateKey as `0x${string}`)) }],
      spendControls: { allowedAssets: [{ network: stage.network, asset: stage.asset }] },
    });
  const asked = () => stage.requirements({ amount: String(PRICE), maxTimeoutSeconds: 90 });
  const headerOf = (payload: PaymentPayload): string => Buffer.from(JSON.stringify(payload)).toString("base64");
  const buy = (seller: Seller, header: string): Promise<Response> => fetch(seller.url, { headers: { "PAYMENT-SIGNATURE": header } });
  const earned = (): Promise<bigint> => stage.balanceOf(stage.payee.address);

  before(async () => {
    stage = await DollarStage.start();
    bad = await startBadFacilitator((await stage.facilitator(["--rate-limit", "0"])).url);
    upstream = createServer((_request, response) => {
      const text = `answer ${(served += 1)}`;
      void meanwhile().then(() => response.writeHead(status, { "content-type": "text/plain" }).end(text));
    });
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
  });
  after(async () => {
    upstream.closeAllConnections();
    upstream.close();
    await bad.stop();
    await stage.stop();
  });
  afterEach(() => {
    Object.assign(bad, { supported: "pass", verify: "pass", settle: "pass" });
    status = 200;
    meanwhile = () => Promise.resolve();
  });

  it("@x402/fetch: buys, and every unit is where it should be", async () => {
    const seller = await open(stage.folder());
    try {
      const [payer, before] = [await stage.balanceOf(stage.payer.address), await earned()];
      const answer = await fetchAndPay()(seller.url, { method: "POST", body: "a question" });
      expect([answer.status, await answer.text()]).to.deep.equal([200, `answer ${served}`]);
      const { success, transaction } = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")!);
      expect(success).to.equal(true);
      expect(await stage.transfersTo(stage.payee.address)).to.include(transaction);
      expect([await stage.balanceOf(stage.payer.address), await earned()]).to.deep.equal([payer - PRICE, before + PRICE]);
    } finally {
      await seller.stop();
    }
  });

  it("one payment sent many times at once: is served once, paid once, and answered the same every time", async () => {
    const seller = await open(stage.folder());
    try {
      const [before, calls] = [await earned(), served];
      const header = headerOf(await stage.pay(asked()));
      const answers = await Promise.all(Array.from({ length: 6 }, () => buy(seller, header)));
      const texts = await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`));
      expect([...new Set(texts)]).to.deep.equal([`200 answer ${calls + 1}`]);
      expect([served, await earned()]).to.deep.equal([calls + 1, before + PRICE]);
    } finally {
      await seller.stop();
    }
  });

  it("service that fails: nothing is paid, and the same payment buys later", async () => {
    const seller = await open(stage.folder());
    try {
      const before = await earned();
      const header = headerOf(await stage.pay(asked()));
      status = 500;
      expect((await buy(seller, header)).status).to.equal(500);
      expect(await earned()).to.equal(before);
      status = 200;
      expect((await buy(seller, header)).status).to.equal(200);
      expect(await earned()).to.equal(before + PRICE);
    } finally {
      await seller.stop();
    }
  });

  it("cancelled while the service works: the answer is withheld", async () => {
    const seller = await open(stage.folder());
    try {
      const payload = await stage.pay(asked());
      meanwhile = () => stage.cancel(payload);
      const answer = await buy(seller, headerOf(payload));
      expect(answer.status).to.equal(402);
      expect(await answer.text()).to.not.match(/answer \d/);
    } finally {
      await seller.stop();
    }
  });

  it("facilitator that loses its answers, or lies: no answer goes out unpaid, and none is paid twice, across a restart", async () => {
    const dir = stage.folder();
    let seller = await open(dir);
    try {
      const [before, calls] = [await earned(), served];
      const lied = headerOf(await stage.pay(asked()));
      bad.settle = { json: { success: true, transaction: `0x${"ab".repeat(32)}`, network: stage.network } };
      const withheld = await buy(seller, lied);
      expect(withheld.status).to.equal(503);
      expect(await withheld.text()).to.not.match(/answer \d/);
      expect(await earned()).to.equal(before);

      const lost = headerOf(await stage.pay(asked()));
      bad.settle = "lose-answer";
      expect((await buy(seller, lost)).status).to.equal(200);
      expect(await earned()).to.be.oneOf([before + PRICE, before + 2n * PRICE]);

      await seller.stop();
      bad.settle = "pass";
      seller = await open(dir);
      const [again, first] = [await buy(seller, lost), await buy(seller, lied)];
      expect([again.status, await again.text()]).to.deep.equal([200, `answer ${calls + 2}`]);
      expect([first.status, await first.text()]).to.deep.equal([200, `answer ${calls + 1}`]);
      expect([served, await earned()]).to.deep.equal([calls + 2, before + 2n * PRICE]);
    } finally {
      await seller.stop();
    }
  });

  it("facilitator away: the way is not offered, and nothing is served", async () => {
    const seller = await open(stage.folder());
    try {
      const calls = served;
      const header = headerOf(await stage.pay(asked()));
      bad.verify = "drop";
      expect((await buy(seller, header)).status).to.equal(503);
      expect(served).to.equal(calls);
    } finally {
      await seller.stop();
    }
  });
});
