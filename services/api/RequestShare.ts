import type { IncomingMessage } from "node:http";

import { ipKeyGenerator, MemoryStore, rateLimit } from "express-rate-limit";
import type { Options, RateLimitRequestHandler } from "express-rate-limit";

import { ApiError } from "./ApiError.ts";
import { clientAddress } from "./clientAddress.ts";

const MINUTE_MS = 60_000;

export interface RequestShareOptions {
  /** Requests that one address may make in a minute. */
  readonly limit: number;
  /** Own proxies in front. */
  readonly trustedProxies: number;
}

/** What one client address may ask in a minute, over HTTP and for the feed together. */
export class RequestShare {
  /** For express; `/health` is always answered. */
  readonly handler: RateLimitRequestHandler;
  readonly #options: RequestShareOptions;
  readonly #store = new MemoryStore();

  constructor(options: RequestShareOptions) {
    this.#options = options;
    this.#store.init({ windowMs: MINUTE_MS } as Options);
    this.handler = rateLimit({
      windowMs: MINUTE_MS,
      limit: options.limit,
      store: this.#store,
      standardHeaders: "draft-8",
      legacyHeaders: false,
      skip: ({ path }) => path === "/health",
      keyGenerator: (request) => this.#keyOf(request),
      handler: (request, response) => {
        const error = this.#refusal((request as unknown as { rateLimit: { resetTime?: Date } }).rateLimit.resetTime);
        response.setHeader("retry-after", String(error.payload.retryAfterSeconds));
        throw error;
      },
    });
  }

  /** Counts a request that is not express's. @throws ApiError `api/tooMany` (as a rejection) */
  async take(request: IncomingMessage): Promise<void> {
    const { totalHits, resetTime } = await this.#store.increment(this.#keyOf(request));
    if (totalHits > this.#options.limit) throw this.#refusal(resetTime);
  }

  close(): void {
    this.#store.shutdown();
  }

  /** One key for all addresses of an IPv6 subnet: whoever has one has all of them. */
  #keyOf(request: IncomingMessage): string {
    return ipKeyGenerator(clientAddress(request, this.#options.trustedProxies));
  }

  #refusal(resetTime: Date | undefined): ApiError<"api/tooMany"> {
    const leftMs = (resetTime?.getTime() ?? Date.now() + MINUTE_MS) - Date.now();
    return new ApiError("api/tooMany", { limit: this.#options.limit, retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)) });
  }
}
