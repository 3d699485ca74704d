import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { HTTPFacilitatorClient } from "@x402/core/server";
import { decodePaymentResponseHeader } from "@x402/core/http";
import { ExactEvmScheme as ExactForServers } from "@x402/evm/exact/server";
import { ExactEvmScheme as ExactForClients } from "@x402/evm/exact/client";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { expect } from "chai";
import express from "express";
import { privateKeyToAccount } from "viem/accounts";

import { DollarStage } from "../../builders/dollarStage.ts";
import type { RunningFacilitator } from "../../builders/dollarStage.ts";

const PRICE = 2_500n;

/** Server and client of x402 as they come from the registry, against our facilitator. */
describe("facilitator with @x402/express and @x402/fetch", function () {
  this.timeout(60_000);
  let stage: DollarStage;
  let facilitator: RunningFacilitator;
  let server: Server;
  let url: string;
  let served = 0;
  /** Payment headers that the client sent. */
  let sent: string[] = [];

  const buyer = () =>
    wrapFetchWithPaymentFromConfig(
      async (input, init) => {
        const header = new Request(input, init).headers.get("PAYMENT-SIGNATURE");
        if (header !== null) sent.push(header);
        return await fetch(input, init);
      },
      {
        schemes: [{ network: stage.network, client: new ExactForClients(privateKeyToAccount(stage.payer.privateKey as `0x${string}`)) }],
        spendControls: { allowedAssets: [{ network: stage.network, asset: stage.asset }] },
      },
    );

  before(async () => {
    stage = await DollarStage.start();
    facilitator = await stage.facilitator();
    const app = express();
    const { extra, payTo, asset } = stage.requirements();
    app.use(
      paymentMiddlewareFromConfig(
        { "GET /weather": { accepts: { scheme: "exact", network: stage.network, payTo, price: { asset, amount: String(PRICE), extra } } } },
        new HTTPFacilitatorClient({ url: facilitator.url }),
        [{ network: stage.network, server: new ExactForServers() }],
      ),
    );
    app.get("/weather", (_request, response) => {
      served += 1;
      response.json({ weather: "sunny" });
    });
    server = app.listen(0, "127.0.0.1") as unknown as Server;
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weather`;
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    await stage.stop();
  });
  beforeEach(() => (sent = []));

  it("purchase: is paid to the last unit, and answered", async () => {
    const [payer, payee] = [await stage.balanceOf(stage.payer.address), await stage.balanceOf(stage.payee.address)];
    const answer = await buyer()(url);
    expect(answer.status).to.equal(200);
    expect(await answer.json()).to.deep.equal({ weather: "sunny" });
    const { success, transaction } = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")!);
    expect(success).to.equal(true);
    expect(await stage.transfersTo(stage.payee.address)).to.include(transaction);
    expect([await stage.balanceOf(stage.payer.address), await stage.balanceOf(stage.payee.address)]).to.deep.equal([payer - PRICE, payee + PRICE]);
  });

  it("one payment sent to two requests at once: one is answered with 200, and it is paid once", async () => {
    await buyer()(url);
    // A payment that was signed and never played.
    const [header] = sent;
    const template = JSON.parse(Buffer.from(header!, "base64").toString("utf8")) as Awaited<ReturnType<typeof stage.pay>>;
    const fresh = { ...template, ...(await stage.pay(template.accepted)) };
    const encoded = Buffer.from(JSON.stringify(fresh)).toString("base64");
    const before = await stage.balanceOf(stage.payee.address);
    const answers = await Promise.all(Array.from({ length: 4 }, () => fetch(url, { headers: { "PAYMENT-SIGNATURE": encoded } })));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 402, 402, 402]);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + PRICE);
    expect((await fetch(url, { headers: { "PAYMENT-SIGNATURE": encoded } })).status).to.equal(402);
  });

  it("buyer without money: gets no answer, and is asked for nothing more", async () => {
    const before = served;
    const poor = privateKeyToAccount(`0x${"6".repeat(64)}`);
    const pay = wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: stage.network, client: new ExactForClients(poor) }],
      spendControls: { allowedAssets: [{ network: stage.network, asset: stage.asset }] },
    });
    expect((await pay(url)).status).to.equal(402);
    expect(served).to.equal(before);
  });
});
