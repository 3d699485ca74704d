import type { FacilitatorClient } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements, SettleResponse, SupportedResponse, VerifyResponse } from "@x402/core/types";
import { z } from "zod";

import { LOCAL_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { safeRequest } from "../../runtime/fetch/safeRequest.ts";

export interface FacilitatorClientOptions {
  readonly url: string;
  /** For /supported and /verify. */
  readonly verifyTimeoutMs: number;
  /** A settlement waits for a block. */
  readonly settleTimeoutMs: number;
  /** Sent with every request: keys of facilitators that want one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
}

/** An answer that says nothing of the payment: the facilitator is away, overloaded, or not one. */
export class FacilitatorAway extends Error {
  override readonly name = "FacilitatorAway";
}

const MAX_ANSWER_BYTES = 65_536;
const MAX_TEXT = 500;
const text = z.string().max(MAX_TEXT).nullish().transform((value) => value ?? undefined);
const VERIFIED = z.object({ isValid: z.boolean(), invalidReason: text, payer: text });
const SETTLED = z.object({ success: z.boolean(), errorReason: text, transaction: z.string().max(MAX_TEXT), payer: text });
const SUPPORTED = z.object({
  kinds: z.array(z.object({ x402Version: z.number(), scheme: z.string().max(MAX_TEXT), network: z.string().max(MAX_TEXT) })).max(1_000),
});

/**
 * A client of a facilitator that bounds what it waits for and what it reads, and follows no redirects. The operator names the facilitator, so it
 * may be on this very machine; its answers are believed no further than their shape.
 */
export function createFacilitatorClient({ url, verifyTimeoutMs, settleTimeoutMs, headers = {}, signal }: FacilitatorClientOptions): FacilitatorClient {
  const base = url.replace(/\/+$/, "");

  async function ask<T extends z.ZodType>(path: string, schema: T, timeoutMs: number, body?: object): Promise<z.output<T>> {
    const isPost = body !== undefined;
    let answer;
    try {
      answer = await safeRequest(`${base}${path}`, {
        policy: LOCAL_POLICY, timeoutMs, maxBytes: MAX_ANSWER_BYTES, maxRedirects: 0, signal,
        ...(isPost ? { method: "POST", body: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } } : { headers }),
      });
    } catch (error) {
      throw new FacilitatorAway(`${path} was not answered`, { cause: error });
    }
    let json: unknown;
    try {
      json = JSON.parse(Buffer.from(answer.body).toString("utf8"));
    } catch (error) {
      throw new FacilitatorAway(`${path} was answered with status ${answer.status} and no JSON`, { cause: error });
    }
    // Some say what a payment lacks with a status of 400; what has the right shape is an answer whatever its status.
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw new FacilitatorAway(`${path} was answered with status ${answer.status} and something else`, { cause: parsed.error });
    return parsed.data;
  }

  const bodyOf = (paymentPayload: PaymentPayload, paymentRequirements: PaymentRequirements): object => ({ x402Version: paymentPayload.x402Version, paymentPayload, paymentRequirements });
  return {
    async verify(payload, requirements) {
      return (await ask("/verify", VERIFIED, verifyTimeoutMs, bodyOf(payload, requirements))) as VerifyResponse;
    },
    async settle(payload, requirements) {
      return { ...(await ask("/settle", SETTLED, settleTimeoutMs, bodyOf(payload, requirements))), network: requirements.network } as SettleResponse;
    },
    async getSupported() {
      return { extensions: [], signers: {}, ...(await ask("/supported", SUPPORTED, verifyTimeoutMs)) } as SupportedResponse;
    },
  };
}
