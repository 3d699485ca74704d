import type { PaymentPayloadResult, PaymentRequirements, SchemeNetworkClient } from "@x402/core/types";

import { sdkError } from "../../SdkError.ts";
import { agreedRequestHash } from "../../x402/CallScheme.ts";
import type { BoundRequest } from "../../x402/CallScheme.ts";
import { callHash } from "../../x402/callHash.ts";
import { CHANNEL_SCHEME, writePayload } from "../../x402/payloads.ts";
import type { ChannelPayment } from "../../x402/payloads.ts";
import { readChannelRequirement } from "../../x402/requirement.ts";
import type { ChannelRequirement } from "../../x402/requirement.ts";
import { createTicket, encodeTicket } from "../../x402/ticket.ts";
import type { AgentChannel } from "../channels/AgentChannel.ts";
import { ChannelShellError } from "../channels/ChannelShellError.ts";

/** What the seller signed on the channel. */
export type ChannelAnswer = { readonly isPaid: true; readonly answerHash: Uint8Array } | { readonly isPaid: false; /** `CALL_STATUS` */ readonly status: number };

/** A call that was made for one HTTP request, whose answer is still to come. */
export interface ChannelExchange extends ChannelPayment {
  readonly callHash: Uint8Array;
  readonly priceUnits: number;
  /** Value of the header `Agnt2-Call`, which pays for the request when it is alone. */
  readonly header: string;
  /** Of the channel; comes a little after the HTTP answer, or before. Rejects when this process stops serving the channel. */
  readonly answered: Promise<ChannelAnswer>;
}

/** Pays for a request on a channel whose price and seller the buyer knows already. Errors as of `AgentChannel.begin`. */
export function beginByChannel(channel: AgentChannel, priceUnits: number, requestHash: Uint8Array, ticket: Uint8Array = createTicket(), isRecorded = true): ChannelExchange {
  const hash = callHash(requestHash, ticket);
  const { sequence, answered: paid } = channel.begin(hash, priceUnits, { isRecorded });
  const answered = paid.then(
    ({ responseHash }): ChannelAnswer => ({ isPaid: true, answerHash: responseHash }),
    (error: unknown): ChannelAnswer => {
      if (error instanceof ChannelShellError && error.code === "channel/call-failed") return { isPaid: false, status: (error.payload as { status: number }).status };
      throw error;
    },
  );
  // Whoever does not ask is not told.
  answered.catch(() => undefined);
  return { channelId: channel.channelId, sequence, ticket, callHash: hash, priceUnits, header: encodeTicket(ticket), answered };
}

export interface ChannelSchemeOptions {
  /** The L1, and its contract of channels. */
  readonly chainId: number;
  readonly adjudicator: string;
  /** The channel to the seller: one, or what finds (or opens) it. */
  readonly channel: AgentChannel | ((asked: ChannelRequirement) => AgentChannel | Promise<AgentChannel>);
  /** Told of each call that was made: with a client of the public packages there is no other way to hear of its answer. */
  readonly onExchange?: (exchange: ChannelExchange) => void;
  /** Whether paid calls get a line in the channel's file of calls. Default true. */
  readonly isRecorded?: boolean;
}

/** Pays with a call on a channel: x402's scheme `agnt2-channel` (docs/X402.md). */
export class ChannelScheme implements SchemeNetworkClient {
  readonly scheme = CHANNEL_SCHEME;
  readonly #options: ChannelSchemeOptions;
  readonly #bound: BoundRequest | undefined;
  /** A bound scheme pays once. */
  #paid: Promise<ChannelExchange> | undefined;

  constructor(options: ChannelSchemeOptions, bound?: BoundRequest) {
    [this.#options, this.#bound] = [options, bound];
  }

  /** A scheme that pays for this request only, and once. */
  forRequest(requestHash: Uint8Array, ticket: Uint8Array = createTicket()): ChannelScheme {
    return new ChannelScheme(this.#options, { requestHash, ticket });
  }

  /** @throws SdkError `SDK_PAYMENT`, `SDK_AMOUNT`; ChannelError (`channel/capacity`, …) */
  async createPaymentPayload(x402Version: number, requirement: PaymentRequirements): Promise<PaymentPayloadResult> {
    const { channelId, sequence, ticket } = await this.pay(requirement);
    return { x402Version, payload: { ...writePayload({ channelId, sequence, ticket }) } };
  }

  /** As `createPaymentPayload`, with the promise of the answer. */
  pay(requirement: PaymentRequirements): Promise<ChannelExchange> {
    if (this.#bound === undefined) return this.#begin(requirement);
    this.#paid ??= this.#begin(requirement).catch((error: unknown) => {
      this.#paid = undefined;
      throw error;
    });
    return this.#paid;
  }

  async #begin(requirement: PaymentRequirements): Promise<ChannelExchange> {
    const { channel: given, onExchange, isRecorded = true } = this.#options;
    const asked = readChannelRequirement(requirement);
    const hash = agreedRequestHash(this.#bound?.requestHash, asked.requestHash);
    requireSame("chainId", asked.chainId, this.#options.chainId);
    requireSame("adjudicator", asked.adjudicator, this.#options.adjudicator);
    const channel = typeof given === "function" ? await given(asked) : given;
    requireSame("payTo", asked.payTo, channel.partner);
    requireSame("asset", asked.asset, channel.assetAddress);
    const exchange = beginByChannel(channel, channel.units(asked.amount), hash, this.#bound?.ticket, isRecorded);
    onExchange?.(exchange);
    return exchange;
  }
}

function requireSame(name: string, theirs: unknown, ours: unknown): void {
  if (String(theirs).toLowerCase() !== String(ours).toLowerCase()) throw sdkError("SDK_PAYMENT", `the seller wants ${name} ${theirs}, this is ${ours}`, { name });
}
