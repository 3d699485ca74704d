import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

import { toError } from "../../runtime/errors/CodedError.ts";
import { PUBLIC_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import { SidecarError } from "../SidecarError.ts";
import { Budget, dayOf } from "./Budget.ts";
import type { BuyerOptions } from "./BuyerOptions.ts";
import { Exchange } from "./Exchange.ts";
import { HostList } from "./HostList.ts";
import { LostPayments } from "./LostPayments.ts";
import type { OutboundAnswer, OutboundRequest } from "./OutboundRequest.ts";
import { outboundHeaders } from "./outboundHeaders.ts";
import { PriceCache } from "./PriceCache.ts";
import { prepareBody } from "./prepareBody.ts";
import type { Receipt, ReceiptQuery, SpentSum } from "./Receipt.ts";
import { settleUnknown } from "./settleUnknown.ts";
import { PaymentStore } from "./store/PaymentStore.ts";
import { createTransport } from "./transport/createTransport.ts";

const MAX_REDIRECTS = 5;
/** `new Response` takes no body with these. */
const BODILESS: readonly number[] = [204, 205, 304];
const STOP_MS = 10_000;
const PRUNE_MS = 1_000;
/** More than can be written in that time. */
const PRUNED_AT_ONCE = 20_000;

export interface BuyerReceipts {
  /** Newest first. */
  list(query?: ReceiptQuery): Receipt[];
  get(id: number): Receipt | undefined;
  /** The receipt of an answer that `fetch` gave; undefined: it cost nothing. */
  of(response: Response): Receipt | undefined;
  /** What was spent in all, with what is not known yet. */
  sums(): SpentSum[];
  /** Forgets receipts older than `before` (Unix ms) whose end is known. The sums stay. @returns how many */
  prune(before: number): number;
}

export interface Buyer {
  /** As the platform's `fetch`; pays. An answer that was paid for is never a redirect that was followed. @throws SidecarError `buy/…` */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The same without the platform's objects; for the gateway and the proxy. @throws SidecarError `buy/…` */
  exchange(request: OutboundRequest): Promise<OutboundAnswer>;
  readonly receipts: BuyerReceipts;
  /** The address that pays, in every way; undefined: not known, or not one. */
  readonly payer: string | undefined;
  /** What is left of a budget is its limits less this. */
  spent(network: string, asset: string): { readonly inAll: bigint; readonly today: bigint };
  /** Asks now what became of payments without an outcome. */
  settle(): Promise<void>;
  /** @internal For what else pays out of the same budget: promotion. */
  readonly parts: { readonly store: PaymentStore; readonly budget: Budget; readonly now: () => number };
  readonly inFlight: number;
  /** Ends what runs (payments that are out are looked up by the next start), and closes the files. */
  stop(): Promise<void>;
}

function unpack({ headers, body }: OutboundAnswer): Readable {
  const encoding = (headers["content-encoding"] ?? "").trim().toLowerCase();
  const unpacker = encoding === "gzip" || encoding === "x-gzip" ? createGunzip() : encoding === "deflate" ? createInflate() : encoding === "br" ? createBrotliDecompress() : undefined;
  if (unpacker === undefined) return body;
  body.on("error", (error) => unpacker.destroy(error));
  unpacker.on("close", () => body.destroy());
  return body.pipe(unpacker);
}

function toResponse(answer: OutboundAnswer): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) headers.append(answer.rawHeaders[i]!, answer.rawHeaders[i + 1]!);
  const isBodiless = BODILESS.includes(answer.status);
  if (isBodiless) answer.body.resume();
  const response = new Response(isBodiless ? null : (Readable.toWeb(unpack(answer)) as unknown as ReadableStream<Uint8Array>), { status: answer.status, statusText: answer.statusText, headers });
  Object.defineProperty(response, "url", { value: answer.url });
  return response;
}

/**
 * Buys from any x402 v2 server. Before anything is signed: the URL and its addresses, host, payee, asset, network and price are checked,
 * and the amount is reserved on disk; a lost answer is asked for again with the same payment.
 * @throws FilesError `files/locked`
 */
export function createBuyer(options: BuyerOptions): Buyer {
  const { now = Date.now, onEvent = () => undefined, maxInFlight = 1_024, keepBodyBytes = 1 << 20, settleEveryMs = 30_000 } = options;
  const { keepReceiptsMs = 90 * 86_400_000, maxReceipts = 1_000_000 } = options;
  const lock = lockDataDir(options.dir, "outbound.lock");
  const store = PaymentStore.open(options.dir);
  const budget = new Budget(options.limits);
  for (const { network, asset } of options.limits) budget.restore(network, asset, store.spentOf(network, asset));
  const stopping = new AbortController();
  const live = new Set<number>();
  const transport = createTransport({ policy: options.policy ?? PUBLIC_POLICY, privateOrigins: options.privateOrigins ?? [], maxConnectionsPerHost: options.maxConnectionsPerHost ?? 256 });
  const parts = {
    transport, budget, keepBodyBytes, now,
    hosts: new HostList(options.hosts),
    prices: new PriceCache(options.maxKnownPrices ?? 1_024),
    lost: new LostPayments(options.reuseMs ?? 300_000),
    entries: { store, budget, onEvent, live },
    ways: options.ways,
    agents: options.agents === undefined ? undefined : new Set(options.agents.map((agent) => agent.toLowerCase())),
    payeeOf: options.payeeOf ?? (() => undefined),
    answerMs: options.answerMs ?? 60_000,
    idleMs: options.idleMs ?? 120_000,
    retries: options.retries ?? 3,
    retryMs: options.retryMs ?? 200,
    stopping: stopping.signal,
  };
  const receiptIds = new WeakMap<Response, number>();
  let inFlight = 0;
  let settling: Promise<void> | undefined;
  let isStopped = false;

  async function exchange(request: OutboundRequest): Promise<OutboundAnswer> {
    if (stopping.signal.aborted) throw new SidecarError("buy/stopped", {});
    if (inFlight >= maxInFlight) throw new SidecarError("buy/busy", { retryAfterSeconds: 1 });
    inFlight += 1;
    try {
      return await new Exchange(parts, request).run();
    } finally {
      inFlight -= 1;
    }
  }

  async function fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const request = input instanceof Request ? input : undefined;
    const url = request?.url ?? String(input);
    const headers = outboundHeaders(new Headers(init.headers ?? request?.headers));
    // Encodings that this side can take off again.
    headers["accept-encoding"] ??= "gzip, deflate, br";
    const body = await prepareBody(init.body ?? request?.body, headers["content-digest"], keepBodyBytes);
    if (body.contentType !== undefined) headers["content-type"] ??= body.contentType;
    const redirect = init.redirect ?? request?.redirect ?? "follow";
    const answer = await exchange({
      method: (init.method ?? request?.method ?? "GET").toUpperCase(), url, headers, body, maxRedirects: redirect === "follow" ? MAX_REDIRECTS : 0, signal: init.signal ?? request?.signal ?? undefined,
    });
    if (redirect === "error" && answer.status >= 300 && answer.status < 400 && answer.headers.location !== undefined) {
      answer.body.destroy();
      throw new SidecarError("buy/url", { problem: "a redirect" });
    }
    const response = toResponse(answer);
    if (answer.receiptId !== undefined) receiptIds.set(response, answer.receiptId);
    return response;
  }

  /** One at a time; who asks while one runs gets one that began after the question. */
  function settle(): Promise<void> {
    const before = settling ?? Promise.resolve();
    const mine = before
      .catch(() => undefined)
      .then(() => settleUnknown({ store, budget, ways: options.ways, live, lost: parts.lost, onEvent, stopping: stopping.signal, now }))
      .finally(() => {
        if (settling === mine) settling = undefined;
      });
    settling = mine;
    return mine;
  }

  const trouble = (error: unknown): void => onEvent({ kind: "trouble", error: toError(error) });
  const timer = setInterval(() => {
    if (settling !== undefined) return;
    settle().catch(trouble);
  }, settleEveryMs);
  timer.unref();
  // Often and little: what a busy buyer writes in half a minute would take too long to drop at once.
  const pruning = setInterval(() => {
    try {
      store.prune(now() - keepReceiptsMs, maxReceipts, PRUNED_AT_ONCE);
    } catch (error) {
      // A disk that is full: nobody waits here, and the process goes on.
      trouble(error);
    }
  }, Math.min(PRUNE_MS, settleEveryMs));
  pruning.unref();
  // What an earlier process has left open.
  settle().catch(trouble);

  return {
    fetch,
    exchange,
    settle,
    payer: options.payer,
    receipts: {
      list: (query) => store.list(query),
      get: (id) => store.get(id),
      of: (response) => {
        const id = receiptIds.get(response);
        return id === undefined ? undefined : store.get(id);
      },
      sums: () => store.sums(),
      prune: (before) => store.prune(before, Number.MAX_SAFE_INTEGER),
    },
    spent: (network, asset) => budget.spent(network, asset, dayOf(now())),
    parts: { store, budget, now },
    get inFlight() {
      return inFlight;
    },
    async stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      clearInterval(pruning);
      stopping.abort(new SidecarError("buy/stopped", {}));
      for (const end = Date.now() + STOP_MS; (inFlight > 0 || live.size > 0) && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
      await settling?.catch(() => undefined);
      transport.close();
      store.close();
      lock.release();
    },
  };
}
