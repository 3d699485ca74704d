import { encodePaymentResponseHeader } from "@x402/core/http";
import { expect } from "chai";

import { createSealSecret, openRequest, publicPartOf, sealAnswer, SEALED_TYPE, SdkError } from "../../../sdk/index.ts";
import type { SealSecret } from "../../../sdk/index.ts";
import { createGateway } from "../../../sidecar/outbound/index.ts";
import type { Gateway } from "../../../sidecar/outbound/index.ts";
import { BUYER_ADDRESS, stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { STUB_NETWORK, STUB_PAYEE, startSellerStub } from "../../builders/sellerStub.ts";
import type { SellerStub, StubExchange } from "../../builders/sellerStub.ts";

describe("sidecar/outbound: sealed through the gateway", () => {
  let stage: BuyerStage;
  let gateway: Gateway;
  let stub: SellerStub;
  let secret: SealSecret;
  let isHonest = true;
  let isBound = false;
  const heard: { type: string | undefined; text: string; seal: unknown; body: Buffer }[] = [];

  async function behave({ payment, request, response, ask }: StubExchange): Promise<void> {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => request.once("end", resolve));
    if (payment === undefined) return ask();
    const body = Buffer.concat(chunks);
    const settled = encodePaymentResponseHeader({ success: true, transaction: `0x${"11".repeat(32)}`, network: STUB_NETWORK, payer: "" });
    if (request.headers["content-type"] !== SEALED_TYPE) return void response.writeHead(200, { "payment-response": settled }).end("open");
    const { content, answerKey } = await openRequest([secret], { method: request.method!, target: request.url!, seller: STUB_PAYEE, payer: BUYER_ADDRESS }, body);
    isBound = await openRequest([secret], { method: request.method!, target: request.url!, seller: STUB_PAYEE, payer: STUB_PAYEE }, body).then(() => false, () => true);
    const text = Buffer.from(content.body).toString();
    heard.push({ type: content.contentType, text, seal: request.headers["agnt2-seal"], body });
    const answer = await sealAnswer(answerKey, 201, { contentType: "text/plain", body: Buffer.from(`heard: ${text}`) });
    response.writeHead(201, { "content-type": isHonest ? SEALED_TYPE : "text/plain", "payment-response": settled, "x-trace": "7" }).end(isHonest ? answer : "open words");
  }

  before(async () => {
    secret = await createSealSecret(0, 2 ** 31);
    stage = stageBuyer({ payer: BUYER_ADDRESS });
    stub = await startSellerStub(behave);
    gateway = await createGateway({
      buyer: stage.buyer, port: 0, keepBodyBytes: 1_000,
      agents: {
        sealed: { url: stub.origin, address: STUB_PAYEE, partner: () => Promise.resolve({ address: STUB_PAYEE, encryptionKey: publicPartOf(secret) }) },
        keyless: { url: stub.origin, address: STUB_PAYEE, partner: () => Promise.resolve({ address: STUB_PAYEE, encryptionKey: undefined }) },
        lost: { url: stub.origin, address: STUB_PAYEE, partner: () => Promise.reject(new SdkError({ code: "SDK_REMOTE_AGENT", reaction: "reject", what: "gone", why: "", todo: "" })) },
        unknown: { url: stub.origin, address: STUB_PAYEE },
      },
    });
  });
  after(async () => {
    await gateway.stop();
    await stage.stop();
    await stub.stop();
  });

  const ask = (name: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port}/agents/${name}/say?to=de`, { method: "POST", body: "a secret", ...init, headers: { "agnt2-seal": "1", "content-type": "text/x-words", ...(init.headers as Record<string, string>) } });

  it("request: goes sealed, is paid, and its answer comes opened with the receipt's number", async () => {
    const response = await ask("sealed");
    expect([response.status, await response.text(), response.headers.get("content-type"), response.headers.get("x-trace")]).to.deep.equal([201, "heard: a secret", "text/plain", "7"]);
    expect(heard.at(-1)).to.deep.include({ type: "text/x-words", text: "a secret", seal: undefined });
    expect([heard.at(-1)!.body.includes("secret"), isBound]).to.deep.equal([false, true]);
    const receipt = stage.buyer.receipts.get(Number(response.headers.get("agnt2-receipt")));
    expect(receipt).to.include({ state: "paid", payee: STUB_PAYEE.toLowerCase() });
  });

  it("request: is not sent open instead, whatever stands in the way", async () => {
    const before = stub.requests;
    for (const [name, init] of [["keyless", {}], ["lost", {}], ["unknown", {}], ["sealed", { method: "GET", body: undefined }]] as const) {
      const response = await ask(name, init);
      expect([name, response.status, ((await response.json()) as { error: { code: string } }).error.code]).to.deep.equal([name, 502, "gateway/seal"]);
    }
    expect((await ask("sealed", { body: "x".repeat(2_000) })).status).to.equal(413);
    expect(stub.requests).to.equal(before);
    expect((await ask("sealed", { headers: { "agnt2-seal": "0" } })).status).to.equal(200);
  });

  it("answer: that was not sealed is not handed on", async () => {
    isHonest = false;
    const response = await ask("sealed");
    const text = await response.text();
    expect([response.status, text.includes("open words")]).to.deep.equal([502, false]);
  });
});
