import { parse } from "yaml";
import { z } from "zod";

import { PricingError } from "./PricingError.ts";

const MAX_ROUTES = 1_000;
const MAX_TOKENS = 16;
const MAX_MS = 86_400_000;
/** 1 GiB: what is held is held in memory. */
const MAX_BYTES = 2 ** 30;

const amount = z
  .string({ error: "write the amount in quotes: as a number it would be rounded" })
  .regex(/^\d{1,60}(\.\d{1,60})?$/, "not a plain decimal number")
  .refine((text) => /[1-9]/.test(text), "zero: say free: true instead");
const milliseconds = z.int().min(1).max(MAX_MS);
const bytes = z.int().min(1).max(MAX_BYTES);
const match = z
  .string()
  .regex(/^(\*|[A-Z][A-Z-]{0,31}) \/[\x21-\x7e]*$/, "not METHOD or *, one space, and a path")
  .refine((text) => !/^(CONNECT|TRACE) /.test(text), "CONNECT and TRACE cannot be sold");
const charge = z.array(z.string().regex(/^[1-5](\d\d|xx)$/, "not a status such as 404 or 2xx")).min(1).max(32);

const routeSchema = z
  .strictObject({
    match,
    free: z.literal(true).optional(),
    /** Whole units of the chain's asset, for call and channel. */
    price: amount.optional(),
    /** Token address → whole units of it, for exact. */
    x402: z.record(z.string().regex(/^0x[0-9a-fA-F]{40}$/, "not an address"), amount).refine((tokens) => Object.keys(tokens).length <= MAX_TOKENS, `more than ${MAX_TOKENS} tokens`).optional(),
    stream: z.boolean().default(false),
    idempotent: z.boolean().default(false),
    timeoutMs: milliseconds.default(30_000),
    maxBodyBytes: bytes.default(2 ** 20),
    holdBytes: bytes.default(2 ** 20),
    /** Statuses that are charged for. */
    charge: charge.default(["1xx", "2xx", "3xx"]),
    description: z.string().max(1_000).optional(),
    mimeType: z.string().max(100).optional(),
  })
  .refine((route) => (route.free === true) !== (route.price !== undefined || Object.keys(route.x402 ?? {}).length > 0), "either free: true, or price or x402");

const pricingSchema = z.object({
  quoteSeconds: z.int().min(0).max(86_400).default(60),
  routes: z.array(routeSchema).min(1).max(MAX_ROUTES),
});

/** A price list as it is written, with its defaults. */
export type PricingDocument = z.output<typeof pricingSchema>;
export type RouteDocument = PricingDocument["routes"][number];

/**
 * Reads the routes and prices of a document (other keys of it are other parts' business), or of its YAML text.
 * @throws PricingError `pricing/invalid` with every problem
 */
export function parsePricing(input: unknown): PricingDocument {
  let document = input;
  if (typeof input === "string") {
    try {
      document = parse(input);
    } catch (cause) {
      throw new PricingError("pricing/invalid", { problems: ["not YAML"] }, { why: cause instanceof Error ? cause.message : undefined, cause });
    }
  }
  const { success, data, error } = pricingSchema.safeParse(document);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new PricingError("pricing/invalid", { problems }, { why: problems.join("; "), cause: error });
}

/** One price for everything: what `--price` says. */
export function flatPricing(price: string, x402?: Readonly<Record<string, string>>): PricingDocument {
  return parsePricing({ routes: [{ match: "* /*", price, ...(x402 === undefined ? {} : { x402 }) }] });
}

/** Tokens that a price list names, as they are written: whoever compiles it needs their decimals. */
export function tokensOf(document: PricingDocument): string[] {
  return [...new Set(document.routes.flatMap(({ x402 }) => Object.keys(x402 ?? {})))];
}
