import type { PaymentRequirements } from "@x402/core/types";

import { readChannelRequirement, toHex } from "../../../sdk/index.ts";
import type { ChannelRequirement } from "../../../sdk/index.ts";
import { beginByChannel } from "../../../sdk/node/index.ts";
import type { AgentChannel, ChannelExchange } from "../../../sdk/node/index.ts";
import { isHashOf } from "./BuyerWay.ts";
import type { BuyerWay, Fate, Payment } from "./BuyerWay.ts";

export interface ChannelBuyerOptions {
  /** The L1, and its contract of channels. */
  readonly chainId: number;
  readonly adjudicator: string;
  /** The channel that pays an agent (address and asset in lower case); undefined: there is none that is ready. Quick. */
  readonly channelTo: (payee: string, asset: string) => AgentChannel | undefined;
  /** All channels of this agent: what they have paid is compared with the receipts. */
  readonly channels?: (() => readonly AgentChannel[]) | undefined;
  /** Told of requirements that could be paid if there was a channel, or a fuller one: what promotion feeds on. */
  readonly onWanted?: (asked: ChannelRequirement) => void;
  /** How long the channel's answer is waited for when the HTTP answer was a failure. Default 15 s: after `matchMs` the seller has failed the call. */
  readonly answerMs?: number;
  /** Whether paid calls also get a line in the channel's own file of calls. Default false: the receipts have them. */
  readonly isRecorded?: boolean;
}

const HEADER = "agnt2-call";

/** x402 scheme `agnt2-channel` in its short form: the call on the channel and the request over HTTP go out together. */
export function createChannelBuyerWay(options: ChannelBuyerOptions): BuyerWay {
  const { chainId, channelTo, onWanted, answerMs = 15_000, isRecorded = false } = options;
  const adjudicator = options.adjudicator.toLowerCase();
  /** Requirements of remembered prices come again and again. */
  const read = new WeakMap<PaymentRequirements, ChannelRequirement | string>();
  /** Calls whose end nobody waits for any more. */
  const late = new Map<string, Fate>();

  function readOnce(requirement: PaymentRequirements): ChannelRequirement | string {
    let asked = read.get(requirement);
    if (asked === undefined) {
      try {
        asked = readChannelRequirement(requirement);
        if (asked.chainId !== chainId || asked.adjudicator.toLowerCase() !== adjudicator) asked = "another chain's channels";
      } catch (error) {
        asked = (error as Error).message;
      }
      read.set(requirement, asked);
    }
    return asked;
  }

  function unitsIn(channel: AgentChannel, amount: bigint): number | undefined {
    const { assetScale } = channel.asset;
    return amount % assetScale === 0n && amount / assetScale <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(amount / assetScale) : undefined;
  }

  function refusal(requirement: PaymentRequirements): string | undefined {
    const asked = readOnce(requirement);
    if (typeof asked === "string") return asked;
    const channel = channelTo(asked.payTo.toLowerCase(), asked.asset.toLowerCase());
    if (channel === undefined) {
      onWanted?.(asked);
      return "no channel to this agent";
    }
    const units = unitsIn(channel, asked.amount);
    if (units === undefined) return "the price is no multiple of the channel's unit";
    if (!channel.channel.isConnected) return "the channel's partner is away";
    const code = channel.channel.refusalOf(units);
    if (code === "channel/capacity") onWanted?.(asked);
    return code;
  }

  /** Channels that have paid in this process. */
  const begun = new Set<string>();

  function firstBefore(channel: AgentChannel): bigint | undefined {
    if (begun.has(channel.channelId)) return undefined;
    begun.add(channel.channelId);
    const { paid, credit } = channel.channel.status().outgoing;
    return BigInt(paid - credit) * channel.asset.assetScale;
  }

  function toPayment(exchange: ChannelExchange, requirement: PaymentRequirements, paidBefore: bigint | undefined): Payment {
    const key = `channel:${exchange.channelId}:${exchange.sequence}`;
    const ended = exchange.answered.then(
      ({ isPaid }): Fate => (isPaid ? "paid" : "dead"),
      // This process serves the channel no longer; the engine's log has it, and the next start compares.
      (): Fate => "open",
    );
    return {
      key,
      expiresAt: 0,
      payload: "",
      headers: { [HEADER]: exchange.header },
      requirement,
      paidBefore,
      fate: async () => {
        let timer: NodeJS.Timeout | undefined;
        const given = await Promise.race([ended, new Promise<Fate>((resolve) => (timer = setTimeout(() => resolve("open"), answerMs)))]);
        clearTimeout(timer);
        if (given === "open") void ended.then((fate) => late.set(key, fate));
        return given;
      },
      prove: async (answer) => {
        const signed = await exchange.answered;
        if (!signed.isPaid) return { kind: "none", text: "" };
        return { kind: isHashOf(signed.answerHash, answer) ? "good" : "bad", text: toHex(signed.answerHash) };
      },
    };
  }

  return {
    name: "channel",
    scheme: "agnt2-channel",
    isReservedFirst: false,
    maxPriceAgeMs: undefined,
    refusal,
    async pay({ requirement, requestHash, amount }) {
      const asked = readOnce(requirement);
      if (typeof asked === "string") throw new Error(asked);
      const channel = channelTo(asked.payTo.toLowerCase(), asked.asset.toLowerCase());
      if (channel === undefined) throw new Error("the channel is gone");
      if (channel.partner !== asked.payTo.toLowerCase()) throw new Error("the channel is somebody else's");
      const units = unitsIn(channel, amount);
      if (units === undefined) throw new Error("the price is no multiple of the channel's unit");
      const paidBefore = firstBefore(channel);
      return toPayment(beginByChannel(channel, units, requestHash, undefined, isRecorded), requirement, paidBefore);
    },
    lookUp: async ({ key }) => {
      const fate = late.get(key) ?? "open";
      if (fate !== "open") late.delete(key);
      return fate;
    },
    totals: () =>
      (options.channels?.() ?? []).map((channel) => {
        const { paid, credit, openCalls } = channel.channel.status().outgoing;
        return { channelId: channel.channelId, payee: channel.partner, network: `eip155:${chainId}`, asset: channel.assetAddress, paid: BigInt(paid - credit) * channel.asset.assetScale, openCalls };
      }),
  };
}
