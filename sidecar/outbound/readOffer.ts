import type { PaymentRequired } from "@x402/core/types";
import { z } from "zod";

import { SidecarError } from "../SidecarError.ts";

/** As the header of a 402 may be at most; longer ones are not read. */
const MAX_HEADER_CHARS = 32 * 1024;
const MAX_ACCEPTS = 32;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

const requirement = z.object({
  scheme: z.string().max(64),
  network: z.string().regex(/^[a-z0-9-]{3,8}:[A-Za-z0-9_-]{1,64}$/),
  asset: z.string().max(128),
  // Plain digits: no sign, no fraction, no exponent.
  amount: z.string().regex(/^(0|[1-9][0-9]{0,77})$/),
  payTo: z.string().max(128),
  maxTimeoutSeconds: z.int().min(1),
  extra: z.record(z.string(), z.unknown()).nullish().transform((extra) => extra ?? {}),
});

const offer = z.object({
  x402Version: z.literal(2),
  error: z.string().optional(),
  resource: z.looseObject({ url: z.string().max(16_384) }),
  accepts: z.array(z.unknown()).min(1).max(MAX_ACCEPTS),
  extensions: z.record(z.string(), z.unknown()).optional(),
});

function refuse(problem: string, cause?: unknown): SidecarError<"buy/offer"> {
  return new SidecarError("buy/offer", { problem }, { cause });
}

/**
 * The header PAYMENT-REQUIRED of a stranger. Entries that are not of the form that x402 v2 has are left out: they are of schemes that
 * this buyer does not know.
 * @throws SidecarError `buy/offer`
 */
export function readOffer(header: string | undefined): PaymentRequired {
  if (header === undefined) throw refuse("a 402 without PAYMENT-REQUIRED");
  if (header.length > MAX_HEADER_CHARS || !BASE64.test(header)) throw refuse("PAYMENT-REQUIRED is too long, or no base64");
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch (error) {
    throw refuse("PAYMENT-REQUIRED is no JSON", error);
  }
  const { success, data, error } = offer.safeParse(json);
  if (!success) throw refuse(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ").slice(0, 500));
  const accepts = data.accepts.flatMap((entry) => {
    const parsed = requirement.safeParse(entry);
    // The entry itself, field for field, is what the payment has to repeat.
    return parsed.success ? [entry as PaymentRequired["accepts"][number]] : [];
  });
  if (accepts.length === 0) throw refuse("no entry of accepts can be read");
  return { ...(json as PaymentRequired), accepts };
}
