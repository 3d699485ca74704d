import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Role, TaskState } from "@a2a-js/sdk";
import type { SendMessageRequest, StreamResponse } from "@a2a-js/sdk";
import { ClientFactory, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import { decodePaymentResponseHeader } from "@x402/core/http";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme as ExactForClients } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactForServers } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import { wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { expect } from "chai";
import type { Wallet } from "ethers";
import express from "express";
import { privateKeyToAccount } from "viem/accounts";

import { decodeAttestation, isAttestationSigned } from "../../sdk/index.ts";
import { DOLLAR_NAME, DOLLAR_VERSION } from "../builders/dollarSigning.ts";
import { SidecarMarket } from "../builders/sidecarMarket.ts";
import type { SidecarProcess } from "../builders/SidecarProcess.ts";

const PRICE = 300n;
const SHOP_PRICE = 450n;

/** What others wrote, as it comes from the registry, against a sidecar in a process of its own. */
describe("sidecar with @x402/fetch, @x402/express and @a2a-js/sdk", function () {
  this.timeout(120_000);
  let market: SidecarMarket;
  let sidecar: SidecarProcess;
  let owner: Wallet;
  let buyer: Wallet;
  let shopkeeper: Wallet;
  let shop: Server;
  let shopSold = 0;

  before(async () => {
    market = await SidecarMarket.start();
    const upstream = await market.nodeService();
    [owner, buyer, shopkeeper] = [await market.wallet(100_000n), await market.wallet(100_000n), await market.wallet()];
    const network = `eip155:${market.network.chain.chainId}` as const;
    const app = express();
    app.use(
      paymentMiddlewareFromConfig(
        { "GET /weather": { accepts: { scheme: "exact", network, payTo: shopkeeper.address, price: { asset: market.dollar, amount: String(SHOP_PRICE), extra: { name: DOLLAR_NAME, version: DOLLAR_VERSION } } } } },
        new HTTPFacilitatorClient({ url: market.facilitatorUrl }),
        [{ network, server: new ExactForServers() }],
      ),
    );
    app.get("/weather", (_request, response) => {
      shopSold += 1;
      response.json({ weather: "sunny", sold: shopSold });
    });
    shop = app.listen(0, "127.0.0.1") as unknown as Server;
    await once(shop, "listening");
    sidecar = await market.sidecar("quotes", owner.privateKey, {
      routes: [{ match: "GET /count", free: true }, { match: "* /*", price: "0.000001", x402: { [market.dollar]: "0.0003" } }],
      settings: { upstream, buyAgents: `shop=http://127.0.0.1:${(shop.address() as AddressInfo).port}`, buyAssets: market.dollar },
    });
    await sidecar.start();
  });
  after(async () => {
    shop?.closeAllConnections();
    shop?.close();
    await market?.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(sidecar?.program.output.slice(-5_000) ?? "");
  });

  const balances = async (): Promise<bigint[]> => await Promise.all([buyer, owner, shopkeeper].map(({ address }) => market.dollarsOf(address)));
  const served = async (): Promise<number> => ((await (await fetch(`${sidecar.url}/count`)).json()) as { served: number }).served;

  it("@x402/fetch: buys from the sidecar, pays once and to the last unit, and gets a signed answer", async () => {
    const network = `eip155:${market.network.chain.chainId}` as const;
    const pay = wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network, client: new ExactForClients(privateKeyToAccount(buyer.privateKey as `0x${string}`)) }],
      spendControls: { allowedAssets: [{ network, asset: market.dollar as `0x${string}` }] },
    });
    const [before, count] = [await balances(), await served()];
    const answers = [await pay(`${sidecar.url}/quote?n=1`), await pay(`${sidecar.url}/quote?n=2`, { method: "POST", body: "hello", headers: { "content-type": "text/plain" } })];
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200]);
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as Record<string, unknown>[];
    expect(bodies[0]).to.include({ path: "/quote", number: "1", payer: buyer.address.toLowerCase() });
    expect(bodies[1]).to.include({ number: "2", said: "hello" });
    const transfers = await market.dollarTransfers(buyer.address, owner.address);
    expect(transfers).to.deep.equal([PRICE, PRICE]);
    const after = await balances();
    expect(after.map((balance, i) => balance - before[i]!)).to.deep.equal([-2n * PRICE, 2n * PRICE, 0n]);
    expect(await served()).to.equal(count + 2);
    for (const answer of answers) {
      expect(decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE")!)).to.include({ success: true });
      const attestation = decodeAttestation(answer.headers.get("Agnt2-Attestation")!);
      expect(attestation).to.have.property("signature");
      expect(isAttestationSigned(market.network.chain.chainId, attestation as never)).to.equal(true);
    }
  });

  it("@x402/express: sells to the service behind the sidecar, which knows nothing of payments", async () => {
    const before = await balances();
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await fetch(`${sidecar.remote("shop")}/weather`));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(((await answers[2]!.json()) as { weather: string }).weather).to.equal("sunny");
    expect(shopSold).to.equal(3);
    expect((await balances()).map((balance, i) => balance - before[i]!)).to.deep.equal([0n, -3n * SHOP_PRICE, 3n * SHOP_PRICE]);
    expect(await market.dollarTransfers(owner.address, shopkeeper.address)).to.deep.equal([SHOP_PRICE, SHOP_PRICE, SHOP_PRICE]);
  });

  it("@a2a-js/sdk: finds the agent by its card and runs a task that streams", async () => {
    const network = `eip155:${market.network.chain.chainId}` as const;
    const pay = wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network, client: new ExactForClients(privateKeyToAccount(buyer.privateKey as `0x${string}`)) }],
      spendControls: { allowedAssets: [{ network, asset: market.dollar as `0x${string}` }] },
    });
    const client = await new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl: pay })] }).createFromUrl(sidecar.url);
    const card = await client.getAgentCard();
    expect([card.name, card.capabilities?.streaming]).to.deep.equal(["quotes", true]);
    const before = await balances();
    const events: StreamResponse[] = [];
    const request: SendMessageRequest = {
      tenant: "", configuration: undefined, metadata: undefined,
      message: { messageId: randomUUID(), contextId: "", taskId: "", role: Role.ROLE_USER, parts: [{ content: { $case: "text", value: "hello" }, metadata: undefined, filename: "", mediaType: "" }], metadata: undefined, extensions: [], referenceTaskIds: [] },
    };
    for await (const event of client.sendMessageStream(request)) events.push(event);
    const last = events.findLast(({ payload }) => payload?.$case === "statusUpdate")?.payload;
    expect(last?.$case === "statusUpdate" ? last.value.status?.state : undefined).to.equal(TaskState.TASK_STATE_COMPLETED);
    expect((await balances()).map((balance, i) => balance - before[i]!)).to.deep.equal([-PRICE, PRICE, 0n]);
  });
});
