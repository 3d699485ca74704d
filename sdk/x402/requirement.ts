import type { Network, PaymentRequirements } from "@x402/core/types";
import { getAddress } from "ethers";
import { z } from "zod";

import { sdkError } from "../SdkError.ts";
import { CALL_SCHEME, CHANNEL_SCHEME } from "./payloads.ts";

/** x402's name of a chain. */
export function networkOf(chainId: number): Network {
  return `eip155:${chainId}`;
}

interface AskedInBoth {
  /** Of the L1. */
  readonly chainId: number;
  /** Token address; the zero address for ETH. */
  readonly asset: string;
  /** Base units. */
  readonly amount: bigint;
  /** Who is paid: address of the agent. */
  readonly payTo: string;
  /** How long an answer may take. */
  readonly maxTimeoutSeconds: number;
  /** 32 bytes in hex: the request that it is asked for, where the seller knows. */
  readonly requestHash?: string | undefined;
}

/** What a seller asks for with `agnt2-call`. */
export interface CallRequirement extends AskedInBoth {
  /** The chain's Inbox on L1: which rollup. */
  readonly rollup: string;
  /** Account index of who is paid. */
  readonly provider: number;
  /** Base units in one unit of the chain; the amount is a multiple. */
  readonly unit: bigint;
  /** How far off the call's deadline is at least when the seller looks it up. */
  readonly deadlineSeconds: number;
}

/** What a seller asks for with `agnt2-channel`. */
export interface ChannelRequirement extends AskedInBoth {
  /** Contract of the channels. */
  readonly adjudicator: string;
  /** Where the seller's agent listens for channels; undefined if it only dials. */
  readonly peer: string | undefined;
  /** The amount is a multiple of this; so must the channel's unit allow. */
  readonly unit: bigint;
  /** A call without its HTTP request fails after so long. */
  readonly matchSeconds: number;
}

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const units = z.string().regex(/^[1-9]\d{0,30}$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const seconds = z.int().min(1).max(0xffff_ffff);
const network = z.string().regex(/^eip155:[1-9]\d{0,14}$/);
const common = { network, asset: address, amount: z.string().regex(/^\d{1,40}$/), payTo: address, maxTimeoutSeconds: seconds };

const callSchema = z.object({
  ...common,
  extra: z.object({ rollup: address, provider: z.int().min(1).max(0xffff_ffff), unit: units, deadlineSeconds: seconds, requestHash: hash.optional() }),
});
const channelSchema = z.object({
  ...common,
  extra: z.object({ adjudicator: address, peer: z.string().max(300).optional(), unit: units, matchSeconds: seconds, requestHash: hash.optional() }),
});

function requireMultiple(amount: bigint, unit: bigint): void {
  if (amount < 0n || amount % unit !== 0n) throw sdkError("SDK_AMOUNT", `${amount} is no multiple of ${unit} base units`, { amount, unit });
}

function write(scheme: string, asked: AskedInBoth & { readonly unit: bigint }, extra: Record<string, unknown>): PaymentRequirements {
  const { chainId, asset, amount, payTo, maxTimeoutSeconds, requestHash } = asked;
  requireMultiple(amount, asked.unit);
  return {
    scheme, network: networkOf(chainId), asset: getAddress(asset), amount: String(amount), payTo: getAddress(payTo), maxTimeoutSeconds,
    extra: { ...extra, unit: String(asked.unit), ...(requestHash === undefined ? {} : { requestHash }) },
  };
}

/** The entry of `accepts`. @throws SdkError `SDK_AMOUNT` for an amount that is no multiple of the unit */
export function callRequirement(asked: CallRequirement): PaymentRequirements {
  return write(CALL_SCHEME, asked, { rollup: getAddress(asked.rollup), provider: asked.provider, deadlineSeconds: asked.deadlineSeconds });
}

/** The entry of `accepts`. @throws SdkError `SDK_AMOUNT` for an amount that is no multiple of the unit */
export function channelRequirement(asked: ChannelRequirement): PaymentRequirements {
  return write(CHANNEL_SCHEME, asked, { adjudicator: getAddress(asked.adjudicator), ...(asked.peer === undefined ? {} : { peer: asked.peer }), matchSeconds: asked.matchSeconds });
}

function read<T extends z.ZodType>(schema: T, scheme: string, requirement: PaymentRequirements): z.infer<T> {
  if (requirement.scheme !== scheme) throw sdkError("SDK_PAYMENT", `the scheme is ${requirement.scheme.slice(0, 40)}, not ${scheme}`);
  const { success, data, error } = schema.safeParse(requirement);
  if (!success) throw sdkError("SDK_PAYMENT", error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  return data;
}

const chainIdOf = (name: string): number => Number(name.slice("eip155:".length));

/** What is asked for. @throws SdkError `SDK_PAYMENT`, `SDK_AMOUNT` */
export function readCallRequirement(requirement: PaymentRequirements): CallRequirement {
  const { network: name, amount, extra, ...rest } = read(callSchema, CALL_SCHEME, requirement);
  const asked = { ...rest, chainId: chainIdOf(name), amount: BigInt(amount), ...extra, unit: BigInt(extra.unit) };
  requireMultiple(asked.amount, asked.unit);
  return asked;
}

/** What is asked for. @throws SdkError `SDK_PAYMENT`, `SDK_AMOUNT` */
export function readChannelRequirement(requirement: PaymentRequirements): ChannelRequirement {
  const { network: name, amount, extra, ...rest } = read(channelSchema, CHANNEL_SCHEME, requirement);
  const asked = { ...rest, chainId: chainIdOf(name), amount: BigInt(amount), peer: undefined, ...extra, unit: BigInt(extra.unit) };
  requireMultiple(asked.amount, asked.unit);
  return asked;
}
