import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";

import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import express from "express";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { fromHex } from "../../../sdk/index.ts";
import { createLocalSigner as createDigestSigner } from "../../../sdk/node/index.ts";
import { createDoor } from "../../../sidecar/door/createDoor.ts";
import { createAttestations } from "../../../sidecar/gate/AnswerHeaders.ts";
import { createGate } from "../../../sidecar/gate/createGate.ts";
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import { createAuthorizationReader, createExactBuyerWay } from "../../../sidecar/outbound/index.ts";
import type { Buyer } from "../../../sidecar/outbound/index.ts";
import { createLocalSigner } from "../../../runtime/keystore/createLocalSigner.ts";
import { parsePricing } from "../../../sidecar/pricing/pricingSchema.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import { createExactWay } from "../../../sidecar/ways/exactWay.ts";
import { codeOf, stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { DollarStage } from "../../builders/dollarStage.ts";
import { Closers } from "../../builders/doorScene.ts";
import { until } from "../../builders/until.ts";

const PRICE = 2_500n;

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("sidecar/outbound: real sellers for exact", function () {
  this.timeout(60_000);
  const closers = new Closers();
  let chain: DollarStage;
  let stage: BuyerStage;
  let buyer: Buyer;
  let expressUrl = "";
  /** Of our own sidecar, over a line that can be cut. */
  let ownUrl = "";
  let cuts = 0;
  let served = 0;
  let prices: PriceBook;

  const table = (price: string): RouteTable =>
    new RouteTable(parsePricing({ routes: [{ match: "* /*", x402: { [chain.asset]: price } }], quoteSeconds: 0 }), { chain: { asset: ZeroAddress, decimals: 18 }, decimalsOf: () => 6 });
  const left = async (): Promise<bigint> => chain.balanceOf(chain.payer.address);

  before(async () => {
    chain = await DollarStage.start();
    closers.add(() => chain.stop());
    const facilitator = await chain.facilitator();

    const app = express();
    const { extra, payTo, asset } = chain.requirements();
    app.use(
      paymentMiddlewareFromConfig(
        { "GET /weather": { accepts: { scheme: "exact", network: chain.network, payTo, price: { asset, amount: String(PRICE), extra } } } },
        new HTTPFacilitatorClient({ url: facilitator.url }),
        [{ network: chain.network, server: new ExactEvmScheme() }],
      ),
    );
    app.get("/weather", (_request, response) => void response.json({ weather: "sunny" }));
    const foreign = createHttpServer(app);
    expressUrl = `http://127.0.0.1:${await listening(foreign)}/weather`;
    closers.add(() => {
      foreign.closeAllConnections();
      foreign.close();
    });

    const upstream = createHttpServer((request, response) => {
      served += 1;
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.once("end", () => response.writeHead(request.url === "/broken" ? 500 : 200, { "content-type": "text/plain" }).end(`${request.method} ${body}`));
    });
    const upstreamPort = await listening(upstream);
    closers.add(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    const way = createExactWay({ chainId: chain.chain.chainId, payTo: chain.payee.address, assets: [{ asset: chain.asset }], facilitatorUrl: facilitator.url, provider: chain.chain.provider });
    await way.start();
    closers.add(() => way.stop());
    const ledger = createLedger(chain.folder(), { minFreeBytes: 0 });
    closers.add(() => ledger.close());
    prices = new PriceBook(table("0.0025"));
    const gate = createGate({ ways: [way], prices, ledger, log: silentLogger, answerHeaders: createAttestations({ chainId: chain.chain.chainId, signer: createDigestSigner(fromHex(chain.payee.privateKey, 32)) }) });
    gate.start();
    closers.add(() => gate.stop());
    const door = createDoor({ gate, upstream: `http://127.0.0.1:${upstreamPort}`, log: silentLogger });
    await door.listen("127.0.0.1", 0);
    closers.add(() => door.close());
    const line = createTcpServer((socket) => {
      const remote = connect(door.address.port, "127.0.0.1");
      socket.on("error", () => remote.destroy());
      remote.on("error", () => socket.destroy());
      socket.on("close", () => remote.destroy());
      remote.on("close", () => socket.destroy());
      socket.on("data", (chunk) => remote.write(chunk));
      remote.on("data", (chunk: Buffer) => {
        // The answer to a payment is there, and does not arrive.
        if (cuts > 0 && /payment-response/i.test(chunk.toString("latin1"))) {
          cuts -= 1;
          socket.destroy();
        } else socket.write(chunk);
      });
    });
    ownUrl = `http://127.0.0.1:${await listening(line)}`;
    closers.add(() => line.close());

    const signer = createLocalSigner(fromHex(chain.payer.privateKey, 32));
    const reader = createAuthorizationReader({ [chain.network]: chain.chain.url });
    stage = stageBuyer({ ways: [createExactBuyerWay({ signer, reader })], limits: [{ network: chain.network, asset: chain.asset, maxPerCall: 5_000n, perDay: 1_000_000n }], settleEveryMs: 3_600_000 });
    closers.add(() => stage.stop());
    ({ buyer } = stage);
  });
  after(() => closers.closeAll());

  /** What left the account is what the receipts say. */
  async function balances(work: () => Promise<void>, spent: bigint): Promise<void> {
    const before = await left();
    const sum = (): bigint => buyer.receipts.sums()[0]?.amount ?? 0n;
    const written = sum();
    await work();
    expect(before - (await left())).to.equal(spent);
    await until("the receipts agree", () => sum() - written === spent);
  }

  it("buyer: buys from an unmodified @x402/express server, with and without a 402 first", async () => {
    await balances(async () => {
      for (let i = 0; i < 2; i += 1) {
        const response = await buyer.fetch(expressUrl);
        expect(await response.json()).to.deep.equal({ weather: "sunny" });
        expect(buyer.receipts.of(response)).to.include({ state: "paid", amount: PRICE, attestation: "" });
      }
    }, 2n * PRICE);
  });

  it("buyer: buys from a sidecar, and checks what it signed", async () => {
    await balances(async () => {
      const response = await buyer.fetch(`${ownUrl}/work?q=1`, { method: "POST", body: "hello" });
      expect(await response.text()).to.equal("POST hello");
      const receipt = buyer.receipts.of(response)!;
      expect(receipt).to.include({ state: "paid", amount: PRICE });
      expect(receipt.attestation).not.to.equal("");
    }, PRICE);
  });

  it("buyer: an answer that was lost on the way is delivered, served once and paid once", async () => {
    await balances(async () => {
      [cuts, served] = [2, 0];
      const response = await buyer.fetch(`${ownUrl}/work`, { method: "POST", body: "once" });
      expect(await response.text()).to.equal("POST once");
      expect([cuts, served]).to.deep.equal([0, 1]);
      expect(buyer.receipts.of(response)!.state).to.equal("paid");
    }, PRICE);
  });

  it("buyer: pays the new price when it changes between quote and payment, and not one above its limit", async () => {
    await balances(async () => {
      prices.replace(table("0.004"), Date.now());
      const response = await buyer.fetch(`${ownUrl}/work`, { method: "POST", body: "dearer" });
      expect(await response.text()).to.equal("POST dearer");
      expect(buyer.receipts.of(response)!.amount).to.equal(4_000n);
    }, 4_000n);
    const before = await left();
    prices.replace(table("0.006"), Date.now());
    expect(await codeOf(buyer.fetch(`${ownUrl}/work`, { method: "POST", body: "too dear" }))).to.equal("buy/too-expensive");
    prices.replace(table("0.0025"), Date.now());
    expect(await left()).to.equal(before);
    // The payment at the price before was shown, and counts until it cannot be played.
    await until("it is open", () => buyer.receipts.list({ limit: 1 })[0]!.state === "open");
  });

  it("buyer: what is not charged for is not paid", async () => {
    const before = await left();
    const response = await buyer.fetch(`${ownUrl}/broken`);
    expect(response.status).to.equal(500);
    await response.text();
    expect(await left()).to.equal(before);
  });

  it("buyer: payments at once to one seller are each paid once", async () => {
    await balances(async () => {
      const bodies = await Promise.all(Array.from({ length: 8 }, async (_, place) => (await buyer.fetch(`${ownUrl}/work`, { method: "POST", body: String(place) })).text()));
      expect(new Set(bodies).size).to.equal(8);
    }, 8n * PRICE);
  });
});
