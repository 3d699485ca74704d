import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { decodePaymentSignatureHeader, encodePaymentRequiredHeader } from "@x402/core/http";
import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { Agnt2Client, createKeySigner } from "../../../sdk/index.ts";
import type { Agent } from "../../../sdk/index.ts";
import { createDoor } from "../../../sidecar/door/createDoor.ts";
import { createAttestations } from "../../../sidecar/gate/AnswerHeaders.ts";
import { createGate } from "../../../sidecar/gate/createGate.ts";
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import { createCallBuyerWay } from "../../../sidecar/outbound/index.ts";
import { parsePricing } from "../../../sidecar/pricing/pricingSchema.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import { CallWay } from "../../../sidecar/ways/callWay.ts";
import { codeOf, stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { CALL_SCALE, CallScene } from "../../builders/callScene.ts";
import { Closers } from "../../builders/doorScene.ts";
import { stubOffer } from "../../builders/sellerStub.ts";
import { pause, until } from "../../builders/until.ts";

const NETWORK = "eip155:31337";
const PRICE_UNITS = 5;
const PRICE = BigInt(PRICE_UNITS) * CALL_SCALE;
const BUYER_KEY = `0x${"1".repeat(64)}`;

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("sidecar/outbound: calls of Layer Core", function () {
  this.timeout(60_000);
  const closers = new Closers();
  let scene: CallScene;
  let seller: Agent;
  let buyers: Agent;
  let stage: BuyerStage;
  let url = "";
  let way: CallWay;
  let served = 0;
  let skewMs = 0;
  /** Receipts of a replica that a test makes up. */
  let receipts: Record<string, unknown>[] = [];

  function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(handler as never);
    closers.add(() => {
      server.closeAllConnections();
      server.close();
    });
    return listening(server);
  }

  before(async () => {
    scene = await CallScene.start();
    closers.add(() => scene.stop());
    seller = await scene.agent(1);
    const api = await serve((request, response) => {
      const { pathname } = new URL(request.url!, "http://api");
      const body = pathname === "/v1/receipts" ? { items: receipts } : pathname === "/v1/status" ? { receiptCount: 1_000 } : undefined;
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" }).end(JSON.stringify(body ?? { error: { code: "NOT_FOUND", message: "no", todo: "no" } }));
    });
    const client = new Agnt2Client({ sequencerUrl: scene.url, apiUrl: api });
    closers.add(() => client.close());
    buyers = await client.agent({ signer: createKeySigner(BUYER_KEY) });

    const upstream = await serve((request, response) => {
      served += 1;
      request.resume();
      response.writeHead(request.url === "/broken" ? 500 : 200, { "content-type": "text/plain" }).end("sold");
    });
    way = new CallWay({ agent: seller });
    await way.start();
    const dir = mkdtempSync(join(tmpdir(), "agnt2-calls-"));
    closers.add(() => rmSync(dir, { recursive: true, force: true }));
    const ledger = createLedger(dir, { minFreeBytes: 0 });
    closers.add(() => ledger.close());
    const prices = new PriceBook(new RouteTable(parsePricing({ routes: [{ match: "* /*", price: "0.000000005" }] }), { chain: { asset: ZeroAddress, decimals: 18 }, decimalsOf: () => undefined }));
    const signer = { address: new Uint8Array(20), sign: () => new Uint8Array(64) };
    const gate = createGate({ ways: [way], prices, ledger, log: silentLogger, answerHeaders: createAttestations({ chainId: 31337, signer }) });
    gate.start();
    closers.add(() => gate.stop());
    const door = createDoor({ gate, upstream, log: silentLogger });
    await door.listen("127.0.0.1", 0);
    closers.add(() => door.close());
    url = `http://127.0.0.1:${door.address.port}`;
    const now = (): number => Date.now() + skewMs;
    stage = stageBuyer({
      ways: [createCallBuyerWay({ agent: buyers, slackSeconds: 1, now })], limits: [{ network: NETWORK, asset: ZeroAddress, maxPerCall: PRICE, perDay: PRICE * 1_000n }], retryMs: 100, now,
    });
    closers.add(() => stage.stop());
  });
  after(() => closers.closeAll());

  const balances = async (): Promise<number[]> => [(await buyers.account()).balance, (await seller.account()).balance];

  it("buyer: buys by calls, and the sums are what left the account", async () => {
    const [mine, theirs] = await balances();
    for (let i = 0; i < 3; i += 1) {
      const response = await stage.buyer.fetch(`${url}/work`, { method: "POST", body: "please" });
      expect(await response.text()).to.equal("sold");
      const receipt = stage.buyer.receipts.of(response)!;
      expect(receipt).to.include({ state: "paid", way: "call", amount: PRICE, network: NETWORK });
      expect(receipt.attestation).not.to.equal("");
    }
    expect(await balances()).to.deep.equal([mine! - 3 * PRICE_UNITS, theirs! + 3 * PRICE_UNITS]);
    expect(stage.buyer.receipts.sums()).to.deep.equal([{ network: NETWORK, asset: ZeroAddress, way: "call", amount: 3n * PRICE, count: 3 }]);
  });

  it("buyer: calls at once are each paid and served once", async () => {
    const [mine] = await balances();
    served = 0;
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await stage.buyer.fetch(`${url}/work`, { method: "POST", body: "please" });
        return `${response.status} ${await response.text()}`;
      }),
    );
    expect(new Set(statuses)).to.deep.equal(new Set(["200 sold"]));
    expect(served).to.equal(20);
    expect((await balances())[0]).to.equal(mine! - 20 * PRICE_UNITS);
  });

  it("buyer: what the seller gives back costs nothing, as soon as a replica says so", async () => {
    const [mine] = await balances();
    const sum = stage.buyer.receipts.sums()[0]!.amount;
    expect((await stage.buyer.fetch(`${url}/broken`)).status).to.equal(500);
    await until("the price is back", async () => (await balances())[0] === mine);
    await stage.buyer.settle();
    const [open] = stage.buyer.receipts.list({ limit: 1 });
    expect(open!.state).to.equal("open");
    const { slot, id } = JSON.parse(open!.payload) as { slot: number; id: number };
    receipts = [{ op: "RESPOND", outcome: "OK", settlement: "REFUNDED", slot, id, number: 9 }];
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list({ limit: 1 })[0]!.state).to.equal("dead");
    expect(stage.buyer.receipts.sums()[0]!.amount).to.equal(sum);
  });

  it("buyer: takes its money back from a seller that neither answers nor gives it back", async () => {
    const asked = { ...way.requirement({ amount: PRICE, asset: ZeroAddress }, 1) };
    asked.extra = { ...asked.extra, deadlineSeconds: 1 };
    const thief = await serve((request, response) => {
      request.resume();
      if (request.headers["payment-signature"] !== undefined) return void request.socket.destroy();
      response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer("x", [asked])), "content-length": 0 }).end();
    });
    const [mine] = await balances();
    expect(await codeOf(stage.buyer.fetch(`${thief}/a`))).to.equal("buy/lost");
    expect((await balances())[0]).to.equal(mine! - PRICE_UNITS);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list({ limit: 1 })[0]!.state).to.equal("open");
    await pause(2_500);
    skewMs = 60_000;
    await until("it is taken back", async () => {
      await stage.buyer.settle();
      return stage.buyer.receipts.list({ limit: 1 })[0]!.state === "dead";
    });
    skewMs = 0;
    expect((await balances())[0]).to.equal(mine);
  });

  it("buyer: a seller that is away or cannot serve is asked for its price before the next call, and shown the same call for the same request", async () => {
    const asked = { ...way.requirement({ amount: PRICE, asset: ZeroAddress }, 1) };
    let isAway = false;
    let unpaid = 0;
    const seller = await serve((request, response) => {
      request.resume();
      if (isAway) return void request.socket.destroy();
      if (request.headers["payment-signature"] !== undefined) return void response.writeHead(503, { "content-length": 0 }).end();
      unpaid += 1;
      response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer("x", [asked])), "content-length": 0 }).end();
    });
    const ask = (target: string): Promise<number> => stage.buyer.fetch(`${seller}${target}`).then(async (answer) => (await answer.arrayBuffer(), answer.status));
    const calls = (): number => stage.buyer.receipts.list({ limit: 1_000 }).length;
    const before = calls();
    // It cannot serve now, and may still take the call: who asks for the same shows the same one.
    for (let i = 0; i < 2; i += 1) expect(await ask("/a?n=1")).to.equal(503);
    expect([unpaid, calls()]).to.deep.equal([1, before + 1]);
    expect(await ask("/a?n=2")).to.equal(503);
    expect([unpaid, calls()]).to.deep.equal([2, before + 2]);
    isAway = true;
    for (const target of ["/a?n=3", "/a?n=4", "/b"]) expect(await codeOf(stage.buyer.fetch(`${seller}${target}`))).to.equal("buy/unreachable");
    expect(calls()).to.equal(before + 2);
  });

  it("buyer: makes no second call for a seller that wants more after the first", async () => {
    let payments = 0;
    const greedy = await serve((request, response) => {
      request.resume();
      const header = request.headers["payment-signature"];
      if (header !== undefined) {
        payments += 1;
        expect(decodePaymentSignatureHeader(String(header)).accepted.amount).to.equal(String(PRICE - CALL_SCALE));
      }
      const amount = header === undefined ? PRICE - CALL_SCALE : PRICE;
      response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer("x", [way.requirement({ amount, asset: ZeroAddress }, 1)])), "content-length": 0 }).end();
    });
    expect(await codeOf(stage.buyer.fetch(`${greedy}/a`))).to.equal("buy/refused");
    expect(payments).to.equal(1);
  });

  it("buyer: pays no account that is not the payee's, on no other chain, and locks no money for long", async () => {
    const good = way.requirement({ amount: PRICE, asset: ZeroAddress }, 30);
    for (const change of [{ provider: 3 }, { rollup: `0x${"12".repeat(20)}` }, { deadlineSeconds: 100_000 }]) {
      const bad = { ...good, extra: { ...good.extra, ...change } };
      const liar = await serve((request, response) => {
        request.resume();
        response.writeHead(402, { "payment-required": encodePaymentRequiredHeader(stubOffer("x", [bad])), "content-length": 0 }).end();
      });
      const [mine] = await balances();
      expect(await codeOf(stage.buyer.fetch(`${liar}/a`)), JSON.stringify(change)).to.be.oneOf(["buy/no-way", "buy/unpaid"]);
      expect((await balances())[0]).to.equal(mine);
    }
  });
});
