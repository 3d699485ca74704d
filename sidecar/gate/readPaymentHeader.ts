import type { PaymentPayload } from "@x402/core/types";

import { SidecarError } from "../SidecarError.ts";

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_DEPTH = 12;
const MAX_VALUES = 500;
const NETWORK = /^[a-z0-9-]{3,8}:[A-Za-z0-9_-]{1,64}$/;

function malformed(problem: string): SidecarError<"payment/malformed"> {
  return new SidecarError("payment/malformed", { problem });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses what is too deep or too much, and keys that reach into prototypes. */
function requireModest(root: unknown): void {
  let left = MAX_VALUES;
  const visit = (value: unknown, depth: number): void => {
    if (--left < 0) throw malformed("too many values");
    if (typeof value !== "object" || value === null) return;
    if (depth === MAX_DEPTH) throw malformed("too deep");
    for (const key of Object.keys(value)) {
      if (key === "__proto__") throw malformed("a key that is none");
      visit((value as Record<string, unknown>)[key], depth + 1);
    }
  };
  visit(root, 0);
}

function requireText(object: Record<string, unknown>, name: string, form: RegExp): void {
  const value = object[name];
  if (typeof value !== "string" || !form.test(value)) throw malformed(`accepted.${name}`);
}

/**
 * The value of PAYMENT-SIGNATURE: base64 of the JSON of an x402 v2 payload. Of `accepted` the fields are checked that name a requirement;
 * what is in `payload` is for the scheme to read.
 * @throws SidecarError `payment/malformed`
 */
export function readPaymentHeader(header: string, maxBytes: number): PaymentPayload {
  if (header.length > maxBytes) throw malformed(`longer than ${maxBytes} bytes`);
  if (header.length % 4 !== 0 || !BASE64.test(header)) throw malformed("not base64");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch (cause) {
    throw new SidecarError("payment/malformed", { problem: "not JSON" }, { cause });
  }
  requireModest(value);
  if (!isObject(value)) throw malformed("not an object");
  const { x402Version, accepted, payload } = value;
  if (x402Version !== 2) throw malformed("x402Version is not 2");
  if (!isObject(accepted)) throw malformed("accepted");
  if (!isObject(payload)) throw malformed("payload");
  requireText(accepted, "scheme", /^[\x21-\x7e]{1,64}$/);
  requireText(accepted, "network", NETWORK);
  requireText(accepted, "asset", /^0x[0-9a-fA-F]{40}$/);
  requireText(accepted, "payTo", /^0x[0-9a-fA-F]{40}$/);
  requireText(accepted, "amount", /^(0|[1-9]\d{0,77})$/);
  return value as unknown as PaymentPayload;
}
