import { createServer } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { a2aRoutes, CALL_SCHEME, CHANNEL_SCHEME } from "../../sdk/index.ts";
import type { TrustedChain } from "../../sdk/index.ts";
import { readSidecarConfig } from "../../sidecar/config.ts";
import { describeSelf } from "../../sidecar/process/describeSelf.ts";
import type { SelfFacts } from "../../sidecar/process/describeSelf.ts";
import { LateWay } from "../../sidecar/process/LateWay.ts";
import { openPricing, withOwnRoutes } from "../../sidecar/process/openPricing.ts";
import { Readiness, isReachable } from "../../sidecar/process/Readiness.ts";
import { ownRoutes } from "../../sidecar/process/SelfSite.ts";
import { Ways } from "../../sidecar/process/Ways.ts";
import { RouteTable } from "../../sidecar/pricing/RouteTable.ts";
import { readSealedFile, writeSealedFile } from "../../sidecar/identity/sealedFile.ts";
import type { Way } from "../../sidecar/ways/Way.ts";
import { rejection } from "../services/runtime/rejection.ts";

const TOKEN = `0x${"ab".repeat(20)}`;
const ADDRESS = `0x${"11".repeat(20)}`;
const CONTRACT = `0x${"22".repeat(20)}`;
const CHAIN = { domain: { chainId: 31337 }, asset: { assetScale: 10n ** 9n, decimals: 18, symbol: "ETH" }, contracts: { settlement: CONTRACT } } as unknown as TrustedChain;

function selfOf(flags: readonly string[], routes?: readonly unknown[], facts: Partial<SelfFacts["facts"]> = {}): SelfFacts {
  const { settings } = readSidecarConfig({ env: {}, flags: ["--upstream", "http://127.0.0.1:8080", ...flags] });
  return {
    settings, pricing: openPricing({ settings, routes })!, facts: { address: ADDRESS, agentId: undefined, accountIndex: undefined, ...facts }, chain: CHAIN,
    identityRegistry: CONTRACT, baseUrl: "http://127.0.0.1:8402", ways: ["exact", "call", "channel"], decimalsOf: () => 6, channelPeer: undefined,
  };
}

describe("sidecar parts of the process", () => {
  it("prices: a service without a price is refused, and so are two price lists", async () => {
    const { settings } = readSidecarConfig({ env: {}, flags: ["--upstream", "http://127.0.0.1:1"] });
    await rejection("config/invalid", () => openPricing({ settings, routes: undefined }));
    await rejection("config/invalid", () => openPricing({ settings: { ...settings, price: "1" }, routes: [{ match: "* /*", price: "1" }] }));
    await rejection("pricing/invalid", () => openPricing({ settings, routes: "all" }));
    await rejection("pricing/invalid", () => openPricing({ settings, routes: [{ match: "* /*", price: 1 }] }));
    expect(openPricing({ settings: { ...settings, upstream: undefined }, routes: undefined })).to.equal(undefined);
  });

  it("prices: a route takes the settings' limits where it has none of its own", () => {
    const { settings } = readSidecarConfig({ env: {}, flags: ["--upstream-ms", "5s", "--hold-bytes", "2048"] });
    const { routes } = openPricing({ settings, routes: [{ match: "GET /a", price: "1" }, { match: "GET /b", price: "1", timeoutMs: 7, holdBytes: 9 }] })!;
    expect(routes.map(({ timeoutMs, holdBytes }) => [timeoutMs, holdBytes])).to.deep.equal([[5_000, 2_048], [7, 9]]);
  });

  it("description: one price is one skill, a route with a price each a skill of its own", () => {
    const flat = describeSelf(selfOf(["--price", "0.0001", "--name", "Echo", "--x402-price", `${TOKEN}=0.01`]));
    expect(flat.skills).to.have.length(1);
    expect(flat.skills[0]).to.deep.include({ id: "service", name: "Echo", method: "POST", path: "/", units: 100_000 });
    expect(flat.skills[0]!.prices.map(({ scheme, amount }) => [scheme, amount])).to.deep.equal([[CALL_SCHEME, String(10n ** 14n)], [CHANNEL_SCHEME, String(10n ** 14n)], ["exact", "10000"]]);
    const routes = [
      { match: "GET /health", free: true }, { match: "POST /v1/translate", price: "0.0004" }, { match: "GET /v1/translate", price: "0.0002", stream: true },
      { match: "GET /users/:id", price: "1" }, { match: "* /*", price: "0.0001" },
    ];
    const { skills, layer2, registration } = describeSelf(selfOf([], routes, { agentId: 7n, accountIndex: 3 }));
    expect(skills.map(({ id, method, path, isStream }) => [id, method, path, isStream])).to.deep.equal([
      ["v1-translate", "POST", "/v1/translate", false], ["v1-translate-2", "GET", "/v1/translate", true], ["service", "POST", "/", false],
    ]);
    expect([layer2?.account, registration?.agentId]).to.deep.equal([3, 7n]);
  });

  it("description: the agent's own endpoints stand before the service's, at the skills' prices", () => {
    const self = selfOf([], [{ match: "POST /translate", price: "0.0004", x402: { [TOKEN]: "0.01" } }, { match: "* /*", price: "0.0001", x402: { [TOKEN]: "0.02" } }]);
    const own = ownRoutes(self);
    expect(own.map(({ match }) => match)).to.deep.equal(a2aRoutes(describeSelf(self)).map(({ match }) => match));
    const table = new RouteTable(withOwnRoutes(self.pricing, own), { chain: { asset: `0x${"0".repeat(40)}`, decimals: 18 }, decimalsOf: () => 6 });
    const priceOf = (method: string, path: string) => {
      const route = table.find(method, path)!;
      return [route.isFree, route.pricesFor("call")[0]?.amount, route.pricesFor("exact")[0]?.amount, route.isStream];
    };
    expect(priceOf("GET", "/.well-known/agent-card.json")).to.deep.equal([true, undefined, undefined, false]);
    expect(priceOf("POST", "/a2a/skills/translate")).to.deep.equal([false, 4n * 10n ** 14n, 10_000n, true]);
    // What may run any skill costs what the dearest costs, in each way.
    expect(priceOf("POST", "/a2a")).to.deep.equal([false, 4n * 10n ** 14n, 20_000n, true]);
    expect(priceOf("GET", "/anything")).to.deep.equal([false, 10n ** 14n, 20_000n, false]);
  });

  it("a way that comes later: is not offered and answers 503 until it is there, then is the way itself", async () => {
    const late = new LateWay("call", CALL_SCHEME);
    expect([late.isReady, late.find]).to.deep.equal([false, undefined]);
    await rejection("way/unavailable", () => late.requirement({ amount: 1n, asset: TOKEN }, 1));
    await rejection("way/unavailable", () => late.outcome({} as never));
    late.bind({ isReady: true, settle: () => ({ transaction: "1:2" }) } as unknown as Way);
    expect([late.isReady, late.hold({} as never), await late.settle({} as never, new Uint8Array(32))]).to.deep.equal([true, true, { transaction: "1:2" }]);
    late.bind({ isReady: true, hold: () => false } as unknown as Way);
    expect(late.hold({} as never)).to.equal(false);
    expect(new LateWay("channel", CHANNEL_SCHEME).find).to.be.a("function");
  });

  it("ways: one that has come up says so when it can be asked already", async () => {
    const { settings } = readSidecarConfig({ env: {}, flags: ["--upstream", "http://127.0.0.1:1", "--ways", "call"] });
    const { promise, resolve } = Promise.withResolvers<readonly [string, boolean]>();
    const chain = { key: { address: ADDRESS }, chain: CHAIN, economy: { chainId: 31337 }, agent: { account: async () => ({ index: 3 }), config: { asset: CHAIN.asset }, client: { now: () => 0 } } } as never;
    const ways = new Ways({ settings, chain, ledger: {} as never, tokens: [], logger: silentLogger, onNotice: () => undefined, onUp: (name) => resolve([name, ways.late[0]!.isReady]) });
    await ways.start();
    expect(ways.late.map(({ name, isReady }) => [name, isReady])).to.deep.equal([["call", false]]);
    ways.accountIsOpen();
    expect(await promise).to.deep.equal(["call", true]);
    await ways.stop();
  });

  it("sealed file: opens with its password only, and not when it was changed", async () => {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-sealed-"));
    try {
      const file = join(dir, "secret");
      expect(await readSealedFile(file, "a")).to.equal(undefined);
      await writeSealedFile(file, "the key", "password");
      expect(await readSealedFile(file, "password")).to.equal("the key");
      await rejection("identity/key", () => readSealedFile(file, "other"));
      await writeSealedFile(file, "again", "other");
      expect(await readSealedFile(file, "other")).to.equal("again");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  describe("readiness", () => {
    const now = Date.now();
    async function reportOf(given: { flags?: string[]; ways?: readonly boolean[]; block?: number; date?: number; missing?: string[]; draining?: boolean; listening?: boolean; canClaim?: boolean }) {
      const clock = createHttpServer((_request, response) => {
        response.sendDate = false;
        response.setHeader("date", new Date(now + 1000 * (given.date ?? 0)).toUTCString());
        response.end("{}");
      }).listen(0, "127.0.0.1");
      const service = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
      await Promise.all([once(clock, "listening"), once(service, "listening")]);
      const at = (server: { address(): unknown }): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { settings } = readSidecarConfig({ env: {}, flags: ["--upstream", at(service), "--sequencer", at(clock), "--data-dir", tmpdir(), ...(given.flags ?? [])] });
      const readiness = new Readiness({
        settings, provider: { getBlock: async () => ({ timestamp: Math.floor(now / 1000) + (given.block ?? -5) }) as never }, now: () => now,
        ways: (given.ways ?? [true, true]).map((isReady, place) => ({ name: place === 0 ? ("call" as const) : ("channel" as const), isReady })),
        missingSteps: () => given.missing ?? [], isDraining: () => given.draining ?? false, isListening: () => given.listening ?? true, canClaim: () => given.canClaim ?? true,
      });
      await readiness.look();
      for (const server of [clock, service]) server.close();
      return readiness.report();
    }

    it("is ready with a way, a service, a disk and the right time", async () => {
      expect(await reportOf({})).to.deep.include({ ready: true, problems: [], ways: { call: true, channel: true }, upstream: true, clockBehindSeconds: 0 });
    });
    it("is ready when one of two ways is away or a step is missing, and says so", async () => {
      const { ready, problems } = await reportOf({ ways: [true, false], missing: ["link"] });
      expect([ready, problems.length]).to.deep.equal([true, 2]);
    });
    for (const [what, given] of [
      ["no way works", { ways: [false, false] }], ["the clock is behind the chain's servers", { date: 300 }], ["the clock is ahead of them", { date: -300 }],
      ["L1's last block is from the future", { block: 300 }], ["it is being stopped", { draining: true }], ["its door does not listen yet", { listening: false }], ["nothing can be written down", { canClaim: false }],
      ["the disk is nearly full", { flags: ["--min-free-disk-mb", "9007199254740991"] }], ["nothing listens behind it", { flags: ["--upstream", "http://127.0.0.1:9"] }],
    ] as const) {
      it(`is not ready when ${what}`, async () => {
        const { ready, problems } = await reportOf(given as Parameters<typeof reportOf>[0]);
        expect([ready, problems.length > 0]).to.deep.equal([false, true]);
      });
    }
    it("does not take an old block for a wrong clock: a quiet chain makes none", async () => {
      expect((await reportOf({ block: -86_400 })).ready).to.equal(true);
    });
    it("isReachable: knows what listens, on a unix socket too", async () => {
      const dir = mkdtempSync(join(tmpdir(), "agnt2-"));
      const server = createServer((socket) => socket.destroy()).listen(join(dir, "s"));
      await once(server, "listening");
      expect(await isReachable(`unix:${join(dir, "s")}`)).to.equal(true);
      server.close();
      expect(await isReachable(`unix:${join(dir, "nothing")}`)).to.equal(false);
      rmSync(dir, { recursive: true, force: true });
    });
  });
});
