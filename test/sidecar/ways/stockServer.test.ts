import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig, x402Client, x402HTTPClient } from "@x402/fetch";
import type { PaymentRequired } from "@x402/core/types";
import { expect } from "chai";
import express from "express";

import { CallScheme, answerHash, createTicket, formatContentDigest, requestHash, toHex } from "../../../sdk/index.ts";
import type { Agent } from "../../../sdk/index.ts";
import { ChannelScheme } from "../../../sdk/node/index.ts";
import type { ChannelExchange } from "../../../sdk/node/index.ts";
import { CallWay } from "../../../sidecar/ways/callWay.ts";
import { ChannelWay } from "../../../sidecar/ways/channelWay.ts";
import { createStockSeller } from "../../../sidecar/ways/createStockSeller.ts";
import { CALL_SCALE, CallScene } from "../../builders/callScene.ts";
import { PAIR_ADDRESSES, PAIR_SCALE, PaidChannels } from "../../builders/paidChannel.ts";

const ETH = `0x${"00".repeat(20)}`;
const ADJUDICATOR = `0x${"ad".repeat(20)}`;
const NETWORK = "eip155:31337";
const CALL_AMOUNT = String(5n * CALL_SCALE);
const CHANNEL_AMOUNT = String(7n * PAIR_SCALE);
const sha256 = (text: string | Uint8Array): Uint8Array => createHash("sha256").update(text).digest();
const spendControls = { allowedAssets: [{ network: NETWORK, asset: ETH }] } as const;

describe("@x402/express and @x402/fetch, unmodified, with the schemes agnt2-call and agnt2-channel", function () {
  this.timeout(60_000);
  let scene: CallScene;
  let pair: PaidChannels;
  let [buyer, seller]: Agent[] = [];
  let callWay: CallWay;
  let channelWay: ChannelWay;
  let channelScheme: ChannelScheme;
  const exchanges: ChannelExchange[] = [];
  let server: Server;
  let url = "";
  let served = 0;
  let slow: (() => void) | undefined;

  before(async () => {
    scene = await CallScene.start();
    pair = await PaidChannels.start();
    [buyer, seller] = [await scene.agent(0), await scene.agent(1)];
    callWay = new CallWay({ agent: seller });
    await callWay.start();
    channelWay = new ChannelWay({ chainId: 31337, adjudicator: ADJUDICATOR, payTo: PAIR_ADDRESSES[1], peer: pair.address, ticketWaitMs: 20_000 });
    const { buyers } = await pair.open(1, (channel) => channelWay.attach(channel));
    channelScheme = new ChannelScheme({ chainId: 31337, adjudicator: ADJUDICATOR, channel: buyers, onExchange: (exchange) => void exchanges.push(exchange) });

    const sellers = [callWay, channelWay].map((way) => createStockSeller(way, 31337));
    const resources = new x402ResourceServer(sellers.map(({ facilitator }) => facilitator));
    for (const each of sellers) resources.register(NETWORK, each.server);
    const byCall = { scheme: "agnt2-call", network: NETWORK, payTo: seller.address, price: { asset: ETH, amount: CALL_AMOUNT }, maxTimeoutSeconds: 30 } as const;
    const byChannel = { scheme: "agnt2-channel", network: NETWORK, payTo: PAIR_ADDRESSES[1], price: { asset: ETH, amount: CHANNEL_AMOUNT }, maxTimeoutSeconds: 30 } as const;
    const app = express();
    app.use("/bytes", express.raw({ type: "*/*" }));
    app.use(paymentMiddleware({ "GET /call": { accepts: byCall }, "GET /channel": { accepts: byChannel }, "GET /fails": { accepts: [byCall, byChannel] }, "GET /slow": { accepts: byCall }, "POST /bytes": { accepts: byCall }, "POST /blind": { accepts: byCall } }, resources));
    app.get(["/call", "/channel"], (request, response) => void response.json({ asked: request.originalUrl, number: (served += 1) }));
    app.get("/fails", (_request, response) => void response.status(500).send("no"));
    app.get("/slow", (_request, response) => void (slow = () => response.send("at last")));
    app.post("/bytes", (request, response) => void response.send(`${(request.body as Buffer).length} bytes`));
    app.post("/blind", (_request, response) => void response.send("ok"));
    server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    channelWay?.close();
    await pair?.stop();
    await scene?.stop();
  });

  const balance = async (agent: Agent): Promise<number> => (await agent.account()).balance;
  const schemes = () => [{ network: NETWORK, client: new CallScheme({ agent: buyer! }) }, { network: NETWORK, client: channelScheme }] as const;
  const buy = (path: string, init?: RequestInit): Promise<Response> => wrapFetchWithPaymentFromConfig(fetch, { schemes: [...schemes()], spendControls: { allowedAssets: [...spendControls.allowedAssets] } })(`${url}${path}`, init);
  const receiptOf = (response: Response) => decodePaymentResponseHeader(response.headers.get("PAYMENT-RESPONSE")!) as unknown as { success: boolean; transaction: string; payer: string; errorReason?: string; extra?: { requestHash: string; answerHash: string } };
  async function askedBy(path: string): Promise<PaymentRequired> {
    const response = await fetch(`${url}${path}`);
    expect(response.status).to.equal(402);
    return new x402HTTPClient(new x402Client()).getPaymentRequiredResponse((name) => response.headers.get(name));
  }
  /** As the buyer of a signed payload sends it. */
  async function payWith(path: string, payload: Record<string, unknown>, init: RequestInit = {}): Promise<Response> {
    const { accepts } = await askedBy(path.split("?")[0]!);
    const headers = new x402HTTPClient(new x402Client()).encodePaymentSignatureHeader({ x402Version: 2, accepted: accepts[0]!, payload });
    return fetch(`${url}${path}`, { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } });
  }

  it("stock server: sells for a call of Layer Core to the stock client, and both know which request and which answer", async () => {
    const before = [await balance(buyer!), await balance(seller!)];
    const response = await buy("/call?x=1");
    const body = new Uint8Array(await response.arrayBuffer());
    expect(response.status).to.equal(200);
    const hash = requestHash({ method: "GET", target: "/call?x=1" });
    const receipt = receiptOf(response);
    expect(receipt).to.deep.include({ success: true, payer: buyer!.address });
    expect(receipt.transaction).to.match(/^\d+:\d+$/);
    expect(receipt.extra).to.deep.include({ requestHash: toHex(hash), answerHash: toHex(answerHash({ requestHash: hash, status: 200, contentType: response.headers.get("content-type")!, bodyDigest: sha256(body) })) });
    expect([await balance(buyer!), await balance(seller!)]).to.deep.equal([before[0]! - 5, before[1]! + 5]);
  });

  it("stock server: sells for a call on a channel to the stock client, whose channel has the answer's hash", async () => {
    const response = await buy("/channel?y=2");
    const body = new Uint8Array(await response.arrayBuffer());
    expect(response.status).to.equal(200);
    const hash = requestHash({ method: "GET", target: "/channel?y=2" });
    const exchange = exchanges.at(-1)!;
    expect(await exchange.answered).to.deep.equal({ isPaid: true, answerHash: answerHash({ requestHash: hash, status: 200, contentType: response.headers.get("content-type")!, bodyDigest: sha256(body) }) });
    expect(receiptOf(response)).to.deep.include({ success: true, transaction: `${exchange.channelId}:${exchange.sequence}`, payer: PAIR_ADDRESSES[0] });
  });

  it("stock server: charges nothing for an answer that failed", async () => {
    const before = await balance(buyer!);
    const response = await buy("/fails");
    expect(response.status).to.equal(500);
    expect(await balance(buyer!)).to.equal(before);
  });

  it("stock server: serves one payment once, at the same time and again", async () => {
    const { accepts } = await askedBy("/slow");
    const bound = new CallScheme({ agent: buyer! }).forRequest(requestHash({ method: "GET", target: "/slow" }));
    const { payload } = await bound.createPaymentPayload(2, accepts[0]!);
    const first = payWith("/slow", payload);
    while (slow === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await payWith("/slow", payload);
    expect(second.status).to.equal(402);
    slow();
    expect((await first).status).to.equal(200);
    const third = await payWith("/slow", payload);
    expect(third.status).to.equal(402);
  });

  it("stock server: takes a payment for no other request", async () => {
    const { accepts } = await askedBy("/call");
    const { payload } = await new CallScheme({ agent: buyer! }).forRequest(requestHash({ method: "GET", target: "/call?a" })).createPaymentPayload(2, { ...accepts[0]!, extra: { ...accepts[0]!.extra, requestHash: undefined } });
    expect((await payWith("/call?b", payload)).status).to.equal(402);
    const before = served;
    expect((await payWith("/call?a", payload)).status).to.equal(200);
    expect(served).to.equal(before + 1);
  });

  it("stock server: sells bodies whose digest it is told, or that were read as bytes before, and checks one against the other", async () => {
    const body = "some text";
    const headers = { "content-type": "text/plain", "content-digest": formatContentDigest(sha256(body)) };
    for (const path of ["/bytes", "/blind"]) expect((await buy(path, { method: "POST", body, headers })).status, path).to.equal(200);
    expect((await buy("/bytes", { method: "POST", body, headers: { "content-type": "text/plain" } })).status).to.equal(200);
    const blind = await buy("/blind", { method: "POST", body, headers: { "content-type": "text/plain" } }).then(() => "sold", (error: Error) => error.message);
    expect(blind).to.contain("which request is paid for");
    const wrong = await buy("/bytes", { method: "POST", body: "other", headers }).then(() => "sold", (error: Error) => error.message);
    expect(wrong).to.contain("which request is paid for");
  });

  it("stock server: tells the code of ours when it refuses a payment", async () => {
    const response = await payWith("/call", { slot: 1, id: 77_777, ticket: Buffer.from(createTicket()).toString("base64url") });
    const again = new x402HTTPClient(new x402Client()).getPaymentRequiredResponse((name) => response.headers.get(name));
    expect(again.error).to.equal("payment/no-call");
  });

  it("stock server: takes no payment that answers another chain, payee, price, rollup or asset than it asked for", async () => {
    const { accepts } = await askedBy("/call");
    const [asked] = accepts;
    const { payload } = await new CallScheme({ agent: buyer! }).forRequest(requestHash({ method: "GET", target: "/call" })).createPaymentPayload(2, asked!);
    const send = async (change: object, extra: object = {}): Promise<number> => {
      const headers = new x402HTTPClient(new x402Client()).encodePaymentSignatureHeader({ x402Version: 2, accepted: { ...asked!, ...change, extra: { ...asked!.extra, ...extra } }, payload });
      return (await fetch(`${url}/call`, { headers })).status;
    };
    for (const change of [{ network: "eip155:1" }, { payTo: buyer!.address }, { amount: "0" }, { asset: buyer!.address }, { scheme: "agnt2-channel" }, { maxTimeoutSeconds: 1 }]) expect(await send(change), JSON.stringify(change)).to.equal(402);
    expect(await send({}, { rollup: ETH })).to.equal(402);
    expect(await send({})).to.equal(200);
  });
});
