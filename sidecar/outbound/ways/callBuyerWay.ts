import { encodePaymentSignatureHeader } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { z } from "zod";

import { ATTESTATION_HEADER, CallScheme, SdkError, callHash, createTicket, fromHex, readCallRequirement, toHex, writePayload } from "../../../sdk/index.ts";
import type { Agent, CallRequirement } from "../../../sdk/index.ts";
import type { Receipt } from "../Receipt.ts";
import { UncertainPayment, isHashOf } from "./BuyerWay.ts";
import type { BuyerWay, Fate, Payment, PaymentOrder, Proof, WholeAnswer } from "./BuyerWay.ts";
import { isSettled } from "./exactBuyerWay.ts";
import { findCall, findCallEnd } from "./findCallEnd.ts";

export interface CallBuyerOptions {
  /** Who pays, with its session key or its own. */
  readonly agent: Agent;
  /** No seller may have the money locked for longer. Default one hour. */
  readonly maxDeadlineSeconds?: number;
  /** Added to the deadline that the seller wants, for the way there and two clocks. Default 30. */
  readonly slackSeconds?: number;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** Prices that were replaced stay good for a minute at our sellers; a call at another price would be locked until its deadline. */
const MAX_PRICE_AGE_MS = 45_000;
/** Clocks, and the blocks' steps. */
const MARGIN_SECONDS = 30;
/** What has not turned up by then never will, or nobody is there who could tell. */
const GIVE_UP_SECONDS = 86_400;
const ZERO_ADDRESS = `0x${"00".repeat(20)}`;
/** Of the SDK's own errors those before anything was sent; those of the chain say that nothing was done. */
const NOT_SENT: readonly string[] = ["SDK_PAYMENT", "SDK_AMOUNT", "SDK_INPUT", "SDK_NO_ACCOUNT", "SDK_SIGNER", "SDK_BAD_PROOF", "SDK_BEHIND"];

const storedSchema = z.object({ slot: z.int().optional(), id: z.int().optional(), receipt: z.int().optional(), provider: z.int(), deadline: z.int(), callHash: z.string() });

const attestationSchema = z.object({ id: z.int(), requestHash: z.string(), answerHash: z.string() });

function proveCall(answer: WholeAnswer, id: number): Proof {
  const text = answer.header(ATTESTATION_HEADER.toLowerCase());
  if (text === undefined) return { kind: "none", text: "" };
  try {
    const named = attestationSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    const isGood = named.id === id && named.requestHash === toHex(answer.requestHash) && isHashOf(fromHex(named.answerHash, 32), answer);
    return { kind: isGood ? "good" : "bad", text };
  } catch {
    return { kind: "bad", text };
  }
}

/**
 * x402 scheme `agnt2-call`: an INVOKE to the sequencer, then the request with its id and ticket. A call that nobody answers is taken back
 * after its deadline. What became of a call that the seller ended without a word to this side, only a replica can tell: give the agent's
 * client an `apiUrl`, or such calls count as spent.
 */
export function createCallBuyerWay({ agent, maxDeadlineSeconds = 3_600, slackSeconds = 30, now = Date.now }: CallBuyerOptions): BuyerWay {
  const scheme = new CallScheme({ agent, slackSeconds, maxDeadlineSeconds });
  const { domain, asset } = agent.config;
  const ours = { chainId: domain.chainId, rollup: domain.inbox.toLowerCase(), asset: (asset.address ?? ZERO_ADDRESS).toLowerCase() };
  const read = new WeakMap<PaymentRequirements, CallRequirement | string>();

  function readOnce(requirement: PaymentRequirements): CallRequirement | string {
    let asked = read.get(requirement);
    if (asked === undefined) {
      try {
        asked = readCallRequirement(requirement);
        const isOurs = asked.chainId === ours.chainId && asked.rollup.toLowerCase() === ours.rollup && asked.asset.toLowerCase() === ours.asset;
        if (!isOurs) asked = "another chain's calls";
        else if (asked.deadlineSeconds + slackSeconds > maxDeadlineSeconds) asked = `it wants the money locked for ${asked.deadlineSeconds} s`;
      } catch (error) {
        asked = (error as Error).message;
      }
      read.set(requirement, asked);
    }
    return asked;
  }

  async function pay({ requirement, offer, requestHash }: PaymentOrder): Promise<Payment> {
    const asked = readOnce(requirement);
    if (typeof asked === "string") throw new Error(asked);
    const ticket = createTicket();
    const expiresAt = Math.ceil(now() / 1000) + asked.deadlineSeconds + slackSeconds + MARGIN_SECONDS;
    const hash = toHex(callHash(requestHash, ticket));
    const stored = { provider: asked.provider, deadline: expiresAt, callHash: hash };
    let made: { readonly slot: number; readonly id: number; readonly receipt: number };
    try {
      made = await scheme.forRequest(requestHash, ticket).pay(requirement);
    } catch (error) {
      const isSent = error instanceof SdkError && error.code.startsWith("SDK_") && !NOT_SENT.includes(error.code);
      if (isSent || !(error instanceof SdkError)) throw new UncertainPayment({ key: `call:${hash}`, expiresAt, payload: JSON.stringify(stored) }, error);
      throw error;
    }
    const { slot, id, receipt } = made;
    const full: PaymentPayload = { x402Version: 2, resource: offer.resource, accepted: requirement, payload: { ...writePayload({ slot, id, ticket }) } };
    return {
      key: `call:${id}`,
      expiresAt,
      payload: JSON.stringify({ ...stored, slot, id, receipt }),
      headers: { "payment-signature": encodePaymentSignatureHeader(full) },
      requirement,
      fate: async (answer) => (answer !== undefined && isSettled(answer) ? "paid" : "open"),
      prove: async (answer) => proveCall(answer, id),
    };
  }

  async function lookUp(receipt: Receipt): Promise<Fate> {
    // The process ended before it wrote down what it did: the chain may have the call, and nobody knows its hash.
    if (receipt.payload === "") return now() / 1000 > receipt.time / 1000 + maxDeadlineSeconds + MARGIN_SECONDS ? "unknown" : "open";
    let stored = storedSchema.parse(JSON.parse(receipt.payload));
    const isOver = now() / 1000 > stored.deadline;
    const lost: Fate = now() / 1000 > stored.deadline + GIVE_UP_SECONDS ? "unknown" : "open";
    if (stored.id === undefined) {
      const found = await findCall(agent.client, (await agent.account()).index, stored.callHash);
      if (found === undefined) return lost;
      stored = { ...stored, ...found };
    }
    const { slot, id, receipt: from } = stored as { slot: number; id: number; receipt: number };
    const call = await agent.client.invocation({ slot, id });
    if (call !== undefined) {
      if (!isOver) return "open";
      await agent.timeout({ slot, id }).durable;
      return "dead";
    }
    return (await findCallEnd(agent.client, { slot, id, provider: stored.provider, from })) ?? lost;
  }

  return {
    name: "call",
    scheme: "agnt2-call",
    isReservedFirst: true,
    maxPriceAgeMs: MAX_PRICE_AGE_MS,
    refusal: (requirement) => {
      const asked = readOnce(requirement);
      return typeof asked === "string" ? asked : undefined;
    },
    pay,
    lookUp,
  };
}
