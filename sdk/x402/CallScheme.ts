import type { PaymentPayloadResult, PaymentRequirements, SchemeNetworkClient } from "@x402/core/types";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { Agent } from "../Agent.ts";
import { sdkError } from "../SdkError.ts";
import { callHash } from "./callHash.ts";
import { CALL_SCHEME, writePayload } from "./payloads.ts";
import type { CallPayment } from "./payloads.ts";
import { readCallRequirement } from "./requirement.ts";
import type { CallRequirement } from "./requirement.ts";
import { createTicket } from "./ticket.ts";

export interface CallSchemeOptions {
  /** Who pays: signs the INVOKEs. */
  readonly agent: Agent;
  /** Added to the deadline that the seller wants, for the way there and two clocks. Default 30. */
  readonly slackSeconds?: number;
  /** The money is locked until the deadline when the seller does nothing: no longer than this. Default one hour. */
  readonly maxDeadlineSeconds?: number;
}

/** A request that is paid for, known before the seller says anything. */
export interface BoundRequest {
  readonly requestHash: Uint8Array;
  readonly ticket: Uint8Array;
}

/** A call that was made and acknowledged as durable. */
export interface PaidByCall extends CallPayment {
  readonly callHash: Uint8Array;
  /** Index of the INVOKE's receipt. */
  readonly receipt: number;
}

const DEFAULT_SLACK_SECONDS = 30;
const DEFAULT_MAX_DEADLINE_SECONDS = 3_600;

/**
 * The request hash that a payment names: the buyer's own; where it has none (a client of the public packages, which do not tell a scheme
 * what is asked), the seller's word for it. @throws SdkError `SDK_PAYMENT` when there is none, or they are two
 */
export function agreedRequestHash(own: Uint8Array | undefined, told: string | undefined): Uint8Array {
  if (own === undefined && told === undefined) throw sdkError("SDK_PAYMENT", "neither the buyer nor the seller says which request is paid for: use forRequest, or send the body's Content-Digest");
  if (own !== undefined && told !== undefined && toHex(own) !== told) throw sdkError("SDK_PAYMENT", "the seller asks for the payment of another request", { told });
  return own ?? fromHex(told!, 32);
}

/**
 * Pays with a call of Layer Core: x402's scheme `agnt2-call` (docs/X402.md). Register it with the public packages' client, or bind it to
 * one request with {@link forRequest}, which is better: then nobody but the buyer says what is bought.
 */
export class CallScheme implements SchemeNetworkClient {
  readonly scheme = CALL_SCHEME;
  readonly #options: CallSchemeOptions;
  readonly #bound: BoundRequest | undefined;
  /** A bound scheme pays once. */
  #paid: Promise<PaidByCall> | undefined;

  constructor(options: CallSchemeOptions, bound?: BoundRequest) {
    [this.#options, this.#bound] = [options, bound];
  }

  /** A scheme that pays for this request only, and once. */
  forRequest(requestHash: Uint8Array, ticket: Uint8Array = createTicket()): CallScheme {
    return new CallScheme(this.#options, { requestHash, ticket });
  }

  /** @throws SdkError `SDK_PAYMENT`, `SDK_AMOUNT`, `SDK_NO_ACCOUNT`, or the outcome of the INVOKE (`E_BALANCE`, …) */
  async createPaymentPayload(x402Version: number, requirement: PaymentRequirements): Promise<PaymentPayloadResult> {
    const { slot, id, ticket } = await this.pay(requirement);
    return { x402Version, payload: { ...writePayload({ slot, id, ticket }) } };
  }

  /** As `createPaymentPayload`, with what a receipt wants to keep. */
  pay(requirement: PaymentRequirements): Promise<PaidByCall> {
    if (this.#bound === undefined) return this.#invoke(requirement);
    this.#paid ??= this.#invoke(requirement).catch((error: unknown) => {
      this.#paid = undefined;
      throw error;
    });
    return this.#paid;
  }

  async #invoke(requirement: PaymentRequirements): Promise<PaidByCall> {
    const { agent, slackSeconds = DEFAULT_SLACK_SECONDS, maxDeadlineSeconds = DEFAULT_MAX_DEADLINE_SECONDS } = this.#options;
    const asked = readCallRequirement(requirement);
    const ticket = this.#bound?.ticket ?? createTicket();
    const hash = callHash(agreedRequestHash(this.#bound?.requestHash, asked.requestHash), ticket);
    requireChain(agent, asked);
    const deadlineSeconds = asked.deadlineSeconds + slackSeconds;
    if (deadlineSeconds > maxDeadlineSeconds) throw sdkError("SDK_PAYMENT", `the seller wants the money locked for ${deadlineSeconds} s, more than ${maxDeadlineSeconds} s`, { deadlineSeconds });
    const index = await agent.client.agentIndex(asked.payTo);
    if (index !== asked.provider) throw sdkError("SDK_PAYMENT", `account ${asked.provider} is not that of ${asked.payTo}`, { provider: asked.provider, index });
    const { slot, id, receipt } = await agent.invoke({ provider: index, price: asked.amount, input: { hash: toHex(hash) }, deadlineSeconds }).durable;
    return { slot, id, ticket, callHash: hash, receipt };
  }
}

const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

function requireChain({ config }: Agent, { chainId, rollup, asset }: CallRequirement): void {
  const ours = { chainId: config.domain.chainId, rollup: config.domain.inbox, asset: config.asset.address ?? ZERO_ADDRESS };
  for (const [name, theirs] of Object.entries({ chainId, rollup, asset })) {
    const own = ours[name as keyof typeof ours];
    if (String(theirs).toLowerCase() !== String(own).toLowerCase()) throw sdkError("SDK_PAYMENT", `the seller wants ${name} ${theirs}, this agent has ${own}`, { name });
  }
}
