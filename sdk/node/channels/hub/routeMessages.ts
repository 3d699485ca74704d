import { z } from "zod";

import { fromHex, toHex } from "../../../../core/codec/hex.ts";

/** Of one ROUTE frame. */
export const MAX_ROUTE_BYTES = 1 << 20;

const hexBytes = (length: number): z.ZodType<Uint8Array, string> =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-f]{${2 * length}}$`))
    .transform((text) => fromHex(text));
const base64Bytes: z.ZodType<Uint8Array, string> = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const units = z.int().min(0);
const id = z.string().regex(/^[0-9a-f]{32}$/);
const address = z.string().regex(/^0x[0-9a-f]{40}$/);

const messages = z.discriminatedUnion("kind", [
  /** Payee to hub: whom it passes requests to, and the key they are sealed to, signed by the payee. */
  z.object({ kind: z.literal("card"), publicKey: hexBytes(33), signature: hexBytes(64) }),
  /** Payer to hub: what is asked for passing payments to `to`. */
  z.object({ kind: z.literal("terms"), id, to: address }),
  z.object({ kind: z.literal("offer"), id, feeUnits: units, feePpm: units, deltaSeconds: units, windowSeconds: units, publicKey: hexBytes(33), signature: hexBytes(64) }),
  /** Passed on with an id of the hub's and without `to`. */
  z.object({ kind: z.literal("quote"), id, to: address.optional(), sealed: base64Bytes }),
  z.object({ kind: z.literal("invoice"), id, sealed: base64Bytes }),
  /** Payer to hub, with its lock: `amount` and `expiry` are of the hub's lock to the payee. */
  z.object({ kind: z.literal("pay"), id, to: address, hashlock: hexBytes(32), amount: units, expiry: units }),
  z.object({ kind: z.literal("answer"), id, preimage: hexBytes(32), sealed: base64Bytes }),
  /** Payer to payee: the answer, once more. */
  z.object({ kind: z.literal("again"), id, to: address.optional(), hashlock: hexBytes(32) }),
  z.object({ kind: z.literal("refused"), id, why: z.string().max(200) }),
]);
export type RouteMessage = z.output<typeof messages>;

const quote = z.object({ from: address, replyKey: hexBytes(33), maxPrice: units, nonce: hexBytes(16), request: base64Bytes });
const invoice = z.object({ hashlock: hexBytes(32), price: units, goodUntil: units, signature: hexBytes(64) });
const answer = z.object({ status: z.int().min(0).max(255), response: base64Bytes, signature: hexBytes(64) });

/** What is sealed to the payee's route key. */
export type SealedQuote = z.output<typeof quote>;
/** What is sealed to the quote's reply key. */
export type SealedInvoice = z.output<typeof invoice>;
export type SealedAnswer = z.output<typeof answer>;

/** Names of fields that hold much: base64 is shorter than hex. */
const LONG = new Set(["sealed", "request", "response"]);

function encode(value: object): Uint8Array {
  const text = JSON.stringify(value, (name, field: unknown) => {
    if (!(field instanceof Uint8Array)) return field;
    return LONG.has(name) ? Buffer.from(field).toString("base64") : toHex(field);
  });
  return new TextEncoder().encode(text);
}

/** What bytes say, undefined if they are nothing of this form: they come from others. */
function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  if (bytes.length > MAX_ROUTE_BYTES) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const parsed = schema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

export const encodeRouteMessage: (message: RouteMessage) => Uint8Array = encode;
export const decodeRouteMessage = (bytes: Uint8Array): RouteMessage | undefined => decode(messages, bytes);
export const encodeQuote: (content: SealedQuote) => Uint8Array = encode;
export const decodeQuote = (bytes: Uint8Array): SealedQuote | undefined => decode(quote, bytes);
export const encodeInvoice: (content: SealedInvoice) => Uint8Array = encode;
export const decodeInvoice = (bytes: Uint8Array): SealedInvoice | undefined => decode(invoice, bytes);
export const encodeAnswer: (content: SealedAnswer) => Uint8Array = encode;
export const decodeAnswer = (bytes: Uint8Array): SealedAnswer | undefined => decode(answer, bytes);
