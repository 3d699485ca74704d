import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createGate } from "../../../sidecar/gate/createGate.ts";
import type { RunningGate } from "../../../sidecar/gate/createGate.ts";
import type { GateLimits } from "../../../sidecar/gate/GateOptions.ts";
import type { BodyReader, RequestHead } from "../../../sidecar/gate/RequestHead.ts";
import type { HeldAnswer, Refusal, Sale, SettledSale, Verdict } from "../../../sidecar/gate/Sale.ts";
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import type { Ledger, LedgerOptions } from "../../../sidecar/ledger/Ledger.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { parsePricing } from "../../../sidecar/pricing/pricingSchema.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import { FakeMoney, FakeWay } from "./FakeWay.ts";

export const ETH = "0x0000000000000000000000000000000000000000";
export const TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const ROUTES = [
  { match: "GET /free", free: true },
  { match: "POST /work", price: "0.0004", x402: { [TOKEN]: "0.01" } },
  { match: "POST /again", price: "0.0004", idempotent: true },
  { match: "GET /live", price: "0.0004", x402: { [TOKEN]: "0.01" }, stream: true },
  { match: "GET /thing/*", price: "0.0001", x402: { [TOKEN]: "0.005" } },
];

export function tableOf(routes: readonly object[], quoteSeconds = 60): RouteTable {
  return new RouteTable(parsePricing({ routes, quoteSeconds }), { chain: { asset: ETH, decimals: 18 }, decimalsOf: (token) => (token === TOKEN ? 6 : undefined) });
}

export interface ShopOptions {
  readonly dir?: string;
  readonly money?: { readonly exact: FakeMoney; readonly call: FakeMoney; readonly channel: FakeMoney };
  readonly limits?: Partial<GateLimits>;
  readonly ledger?: LedgerOptions;
  readonly prices?: PriceBook;
}

export interface AskOptions {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Record<string, string | readonly string[]>;
  readonly body?: string;
  readonly address?: string;
  readonly isUpgrade?: boolean;
}

/** Everything of a gate with fake money, and requests to it. Killed and opened again it finds its folder and its money. */
export class Shop {
  readonly dir: string;
  readonly money: { readonly exact: FakeMoney; readonly call: FakeMoney; readonly channel: FakeMoney };
  readonly exact: FakeWay;
  readonly call: FakeWay;
  readonly channel: FakeWay;
  readonly ledger: Ledger;
  readonly prices: PriceBook;
  readonly gate: RunningGate;
  nowMs = 1_000_000;
  /** What the service was asked. */
  served = 0;
  bodiesRead = 0;
  readonly #options: ShopOptions;

  constructor(options: ShopOptions = {}) {
    this.#options = options;
    this.dir = options.dir ?? mkdtempSync(join(tmpdir(), "agnt2-gate-"));
    this.money = options.money ?? { exact: new FakeMoney(), call: new FakeMoney(), channel: new FakeMoney() };
    this.exact = new FakeWay("exact", this.money.exact);
    this.call = new FakeWay("call", this.money.call);
    this.channel = new FakeWay("channel", this.money.channel);
    const now = (): number => this.nowMs;
    for (const way of [this.exact, this.call, this.channel]) way.now = () => now() / 1_000;
    this.ledger = createLedger(this.dir, { minFreeBytes: 0, hasThread: false, now, ...options.ledger });
    this.prices = options.prices ?? new PriceBook(tableOf(ROUTES));
    this.gate = createGate({ ways: [this.channel, this.call, this.exact], prices: this.prices, ledger: this.ledger, log: silentLogger, baseUrl: "http://shop", limits: options.limits, now });
  }

  /** Ends without a word to anybody under way, and opens again on the same folder and money. */
  async restart(): Promise<Shop> {
    await this.gate.stop();
    await this.ledger.close();
    const shop = new Shop({ ...this.#options, dir: this.dir, money: this.money });
    shop.nowMs = this.nowMs;
    return shop;
  }

  async close(): Promise<void> {
    await this.gate.stop();
    await this.ledger.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  ask({ method = "POST", target = "/work", headers = {}, body = "", address = "10.0.0.1", isUpgrade = false }: AskOptions = {}): Verdict | Promise<Verdict> {
    const head: RequestHead = { method, target, headers: { ...(body === "" ? {} : { "content-length": String(body.length) }), ...headers }, remoteAddress: address, isUpgrade };
    const reader: BodyReader = {
      read: async () => {
        this.bodiesRead += 1;
        return Buffer.from(body);
      },
    };
    return this.gate.decide(head, reader);
  }

  async askLater(options: AskOptions): Promise<Verdict> {
    return this.ask(options);
  }

  /** Asks, and serves if it is sold, as a door would. */
  async buy(options: AskOptions, status = 200): Promise<{ readonly verdict: Verdict; readonly settled?: SettledSale | undefined; readonly text: string }> {
    const verdict = await this.ask(options);
    if (verdict.kind === "repeated") return { verdict, text: Buffer.from(verdict.answer.body).toString() };
    if (verdict.kind !== "sold") return { verdict, text: codeOf(verdict) };
    const answer = this.serve(status);
    const settled = await verdict.sale.settle(answer);
    return { verdict, settled, text: settled.kind === "paid" ? Buffer.from(answer.body).toString() : codeOf({ kind: "refused", refusal: settled.refusal }) };
  }

  serve(status = 200): HeldAnswer {
    this.served += 1;
    return { status, headers: [["Content-Type", "text/plain"]], body: Buffer.from(`answer ${this.served}`) };
  }
}

/** What stands in PAYMENT-REQUIRED. */
export function requiredOf(verdict: Verdict): PaymentRequired {
  const header = (verdict as { refusal: Refusal }).refusal.headers.find(([name]) => name === "PAYMENT-REQUIRED");
  return JSON.parse(Buffer.from(header![1], "base64").toString()) as PaymentRequired;
}

export function codeOf(verdict: Verdict): string {
  expect(verdict.kind).to.equal("refused");
  return (JSON.parse(Buffer.from((verdict as { refusal: Refusal }).refusal.body).toString()) as { error: { code: string } }).error.code;
}

export function saleOf(verdict: Verdict): Sale {
  if (verdict.kind === "refused") expect.fail(`refused: ${codeOf(verdict)}`);
  expect(verdict.kind).to.equal("sold");
  return (verdict as { sale: Sale }).sale;
}

/** A payment of a fake way, as the header. */
export function pay(accepted: PaymentRequirements, payload: Record<string, unknown>, more: object = {}): Record<string, string> {
  return { "payment-signature": Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload, ...more })).toString("base64") };
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
