import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";

import type { PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { formatContentDigest } from "../../../sdk/x402/contentDigest.ts";
import { encodeTicket } from "../../../sdk/x402/ticket.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import type { Verdict } from "../../../sidecar/gate/Sale.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { wrapHandler } from "../../../sidecar/middleware/node.ts";
import { bodyOf, Closers, httpUpstream, openDoor, until } from "../../builders/doorScene.ts";
import { pay, requiredOf, ROUTES, Shop, tableOf } from "../gate/Shop.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** How the service behaves for one payment. */
const BEHAVIOURS = ["well", "chunked", "error", "hangs", "short", "dies", "slow"] as const;
type Behaviour = (typeof BEHAVIOURS)[number];

function behave(behaviour: Behaviour, request: IncomingMessage, response: ServerResponse, text: string): void {
  switch (behaviour) {
    case "well":
      return void response.end(text);
    case "chunked":
      response.write(text.slice(0, 3));
      return void setImmediate(() => response.end(text.slice(3)));
    case "error":
      return void response.writeHead(500).end("broken");
    case "hangs":
      return;
    case "short":
      response.writeHead(200, { "content-length": text.length + 5 });
      response.write(text);
      return void setTimeout(() => response.destroy(), 2);
    case "dies":
      return void request.socket.destroy();
    case "slow":
      return void setTimeout(() => response.end(text), 15);
  }
}

describe("door and gate together", () => {
  const closers = new Closers();
  let shop: Shop;
  // A service that hangs is waited for, also for a buyer who has left.
  const prices = (): PriceBook => new PriceBook(tableOf(ROUTES.map((route) => ({ ...route, timeoutMs: 1_000 }))));
  beforeEach(() => (shop = new Shop({ prices: prices() })));
  afterEach(async () => {
    await closers.closeAll();
    await shop.close();
  });

  const asked = (scheme: string, options = {}): PaymentRequirements => requiredOf(shop.ask(options) as Verdict).accepts.find((one) => one.scheme === scheme)!;
  const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;

  /** The service behind a door, and the same as a handler behind the middleware. */
  async function open(kind: "door" | "middleware", handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    if (kind === "middleware") {
      const server = createServer(wrapHandler(shop.gate, handler));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closers.add(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }
    const upstream = await httpUpstream(closers, handler);
    return (await openDoor(closers, upstream.url, { door: { gate: shop.gate } })).url;
  }

  for (const kind of ["door", "middleware"] as const) {
    it(`${kind}: a body is read, or checked by its digest, and the answer is had again with the same payment`, async () => {
      const seen: string[] = [];
      const url = await open(kind, (request, response) => void bodyOf(request).then((body) => response.end(`${seen.push(body.toString().slice(0, 5))} of ${body.length}`), () => response.destroy()));
      const small = pay(asked("exact"), { id: "small" });
      for (let i = 0; i < 2; i++) expect(await (await fetch(`${url}/work`, { method: "POST", body: "hello", headers: small })).text()).to.equal("1 of 5");
      const other = await fetch(`${url}/work`, { method: "POST", body: "other", headers: small });
      expect([other.status, await codeOf(other)]).to.deep.equal([409, "payment/used"]);
      const large = Buffer.alloc(100_000, 97);
      const undigested = await fetch(`${url}/work`, { method: "POST", body: large, headers: pay(asked("exact"), { id: "large" }) });
      expect([undigested.status, await codeOf(undigested)]).to.deep.equal([400, "payment/digest-needed"]);
      const headers = { ...pay(asked("exact"), { id: "large" }), "content-digest": formatContentDigest(sha256(large)) };
      const wrong = await fetch(`${url}/work`, { method: "POST", body: large.subarray(1), headers });
      expect([wrong.status, await codeOf(wrong)]).to.deep.equal([400, "payment/digest"]);
      expect(shop.money.exact.moved.has("exact:large")).to.equal(false);
      expect(await (await fetch(`${url}/work`, { method: "POST", body: large, headers })).text()).to.equal("2 of 100000");
      expect([...shop.money.exact.moved.keys()]).to.deep.equal(["exact:small", "exact:large"]);
    });

    it(`${kind}: an outage of a way is a 503 and nothing is served; money that does not move withholds the answer`, async () => {
      let served = 0;
      const url = await open(kind, (_request, response) => void response.end(`secret ${++served}`));
      shop.exact.before = (step) => {
        if (step === "verify") throw new SidecarError("way/unavailable", { way: "exact", retryAfterSeconds: 3 });
      };
      const away = await fetch(`${url}/work`, { method: "POST", headers: pay(asked("exact"), { id: "a" }) });
      expect([away.status, away.headers.get("retry-after"), served]).to.deep.equal([503, "3", 0]);
      shop.exact.before = (step) => {
        if (step === "settle") throw new SidecarError("payment/unsettled", { reason: "cancelled" });
      };
      const unpaid = await fetch(`${url}/work`, { method: "POST", headers: pay(asked("exact"), { id: "b" }) });
      expect(unpaid.status).to.equal(402);
      expect(await unpaid.text()).not.to.contain("secret");
      expect([served, shop.money.exact.moved.size]).to.deep.equal([1, 0]);
    });

    it(`${kind}: whatever service and buyers do, nothing is paid twice or served twice, and what is said of money is so`, async function () {
      this.timeout(60_000);
      let seed = kind === "door" ? 7 : 11;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return (seed >>> 8) % below;
      };
      const served = new Map<string, number>();
      const behaviours = new Map<string, Behaviour>();
      const streams = new Set<string>();
      const url = await open(kind, (request, response) => {
        const id = String(new URL(request.url!, "http://x").searchParams.get("id"));
        served.set(id, (served.get(id) ?? 0) + 1);
        behave(behaviours.get(id)!, request, response, `answer for ${id}`);
      });
      const { port } = new URL(url);
      /** Buys with patience `patienceMs`; a buyer without any leaves. */
      const buy = (method: string, target: string, headers: Record<string, string>, patienceMs: number): Promise<string> =>
        new Promise((resolve) => {
          const socket = connect(Number(port), "127.0.0.1");
          let received = "";
          const timer = setTimeout(() => socket.destroy(), patienceMs);
          socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1"))).on("error", () => undefined);
          socket.on("close", () => {
            clearTimeout(timer);
            resolve(received);
          });
          socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
        });
      const rounds: Promise<void>[] = [];
      for (let i = 0; i < 100; i++) {
        const id = String(i);
        const isStream = random(3) === 0;
        if (isStream) streams.add(id);
        const scheme = isStream || random(2) === 0 ? "exact" : "agnt2-channel";
        behaviours.set(id, BEHAVIOURS[random(BEHAVIOURS.length)]!);
        const [method, path] = isStream ? ["GET", "/live"] : ["POST", "/work"];
        const target = `${path}?id=${id}`;
        const headers = pay(asked(scheme, { method, target: path }), scheme === "exact" ? { id } : { id, ticket: encodeTicket(new Uint8Array(16).fill(i)) });
        const key = `${scheme === "exact" ? "exact" : "channel"}:${id}`;
        const money = scheme === "exact" ? shop.money.exact : shop.money.channel;
        const together = 1 + random(3);
        const asks = Array.from({ length: together }, () => buy(method, target, headers, random(3) === 0 ? random(30) : 400));
        rounds.push(
          Promise.all(asks).then((answers) => {
            for (const answer of answers) {
              if (/^HTTP\/1\.1 200 /.test(answer)) {
                expect(money.moved.has(key), `${id} ${behaviours.get(id)} was answered, so it was paid`).to.equal(true);
                if (!isStream && answer.includes("answer for")) expect(answer).to.contain(`answer for ${id}`);
              }
              if (/nothing was charged/.test(answer) && together === 1) expect(money.moved.has(key), `${id} ${behaviours.get(id)} was told that nothing was charged: ${answer}`).to.equal(false);
            }
          }),
        );
        if (i % 10 === 9) await Promise.all(rounds.splice(0));
      }
      await Promise.all(rounds);
      // Whoever leaves has a payment back and may try it again, but not for work that the service does once it was asked (POST).
      for (const [id, times] of served) {
        if (!streams.has(id) && ["well", "chunked", "slow"].includes(behaviours.get(id)!)) expect(times, `${id} ${behaviours.get(id)}`).to.equal(1);
      }
      expect([...shop.money.exact.twice, ...shop.money.channel.twice]).to.deep.equal([]);
      for (const id of behaviours.keys()) {
        const isPaid = shop.money.exact.moved.has(`exact:${id}`) || shop.money.channel.moved.has(`channel:${id}`);
        const behaviour = behaviours.get(id)!;
        if (behaviour === "error" || behaviour === "hangs" || behaviour === "dies") expect(isPaid, `${id} ${behaviour}`).to.equal(false);
      }
      await until(() => shop.gate.load().exchanges === 0, "no exchange is left", 15_000);
    });
  }
});
