import { z } from "zod";

import { MAX_UNITS } from "../../core/generated/protocol.ts";
import { cleanText } from "../../chain/agents/cleanText.ts";
import { sdkError } from "../SdkError.ts";
import { parseUrl } from "./parseUrl.ts";

const MAX_SKILLS = 32;
const MAX_WAYS = 8;
/** The greatest capability number is taken: it carries the digest of the card (`advertisedTexts`). */
export const CARD_CAPABILITY = 2 ** 32 - 1;

/** Text that was clean before: what is hashed or shown is what was given. */
const text = (most: number) => z.string().min(1).max(most).refine((value) => cleanText(value).trim() === value, "it has characters that are not text, or blanks around it");
const word = z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "lower-case letters, digits and dashes");
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "no address");
/** `https://…`, or `http://…` for a chain on this machine; without credentials, query or fragment. */
const httpUrl = z.string().max(1_024).refine((value) => {
  const url = parseUrl(value);
  return url !== undefined && (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}, "no http or https URL without credentials, query and fragment");
const mediaType = z.string().max(128).regex(/^[\w.+-]+\/[\w.+-]+$/, "no media type");
const amount = z.string().regex(/^(0|[1-9]\d{0,77})$/, "no whole number of base units");

/** A way in which everything of the agent can be paid; one for each x402 scheme and asset. */
const way = z.strictObject({
  /** x402 scheme: "exact", "agnt2-call", "agnt2-channel". */
  scheme: word,
  /** `eip155:<chain id>` of the L1. */
  network: z.string().regex(/^eip155:[1-9]\d{0,15}$/, "not eip155:CHAIN"),
  /** Token; the zero address for ETH. */
  asset: address,
  payTo: address,
  /** What the scheme needs besides, as in the 402's `extra`. */
  extra: z.record(z.string().max(64), z.union([z.string().max(512), z.number(), z.boolean()])).optional(),
});

const skillPrice = z.strictObject({ scheme: word, asset: address, /** Base units. */ amount });

const skill = z.strictObject({
  id: word,
  /** Number of the capability, for INVOKE. */
  capability: z.int().min(0).max(CARD_CAPABILITY - 1),
  name: text(64),
  description: text(1_024),
  tags: z.array(text(32)).max(16).default([]),
  examples: z.array(text(512)).max(8).default([]),
  /** Upstream's route: a method and a path without wildcards. */
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("POST"),
  path: z.string().max(512).regex(/^\/(?!\/)[A-Za-z0-9\-._~!$&'()+,;=:@/]*$/, "no plain path").refine((value) => !/\/\/|\/\.\.?(\/|$)/.test(value), "dots or double slashes"),
  inputModes: z.array(mediaType).min(1).max(8).default(["application/json", "text/plain"]),
  outputModes: z.array(mediaType).min(1).max(8).default(["application/json", "text/plain"]),
  /** The answer comes in pieces (SSE, chunked). */
  isStream: z.boolean().default(false),
  /** What INVOKE locks for it, in units of the chain; left out: not sold on a chain. */
  units: z.int().min(0).max(MAX_UNITS).optional(),
  /** What it costs, one for each way that it is sold in. Empty: free. */
  prices: z.array(skillPrice).max(MAX_WAYS).default([]),
});

const description = z.strictObject({
  name: text(128),
  description: text(4_096),
  version: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/, "no version"),
  /** Where the sidecar is reached from outside: scheme, host and port. */
  baseUrl: httpUrl.refine((value) => parseUrl(value)?.pathname === "/", "it has a path").transform((value) => new URL(value).origin),
  provider: z.strictObject({ organization: text(128), url: httpUrl }).optional(),
  documentationUrl: httpUrl.optional(),
  iconUrl: httpUrl.optional(),
  /** The agent's own key: owner of the L2 account and of the ERC-8004 id. */
  address: address.transform((value) => value.toLowerCase()),
  chainId: z.int().min(1),
  /** ERC-8004, once registered. */
  registration: z.strictObject({ identityRegistry: address.transform((value) => value.toLowerCase()), agentId: z.bigint().min(0n) }).optional(),
  /** The account on an agnt2 chain, once there. */
  layer2: z.strictObject({ settlement: address.transform((value) => value.toLowerCase()), account: z.int().min(1).max(CARD_CAPABILITY), api: httpUrl, sequencer: httpUrl.optional() }).optional(),
  ways: z.array(way).max(MAX_WAYS).default([]),
  /** Bodies may be sealed (`sdk/sealed`). The keys themselves change without a new description. */
  isSealed: z.boolean().default(false),
  skills: z.array(skill).min(1).max(MAX_SKILLS),
  supportedTrust: z.array(text(64)).max(16).default([]),
}).superRefine(({ skills, ways }, context) => {
  const refuse = (path: (string | number)[], message: string): void => context.addIssue({ code: "custom", path, message });
  const keyOf = ({ scheme, asset }: { readonly scheme: string; readonly asset: string }): string => `${scheme} ${asset.toLowerCase()}`;
  if (new Set(skills.map(({ id }) => id)).size !== skills.length) refuse(["skills"], "two have one id");
  if (new Set(skills.map(({ capability }) => capability)).size !== skills.length) refuse(["skills"], "two have one capability");
  const known = new Set(ways.map(keyOf));
  if (known.size !== ways.length) refuse(["ways"], "two have one scheme and asset");
  for (const [place, { prices }] of skills.entries()) {
    if (prices.some((price) => !known.has(keyOf(price)))) refuse(["skills", place, "prices"], "one names no way of the agent");
    if (new Set(prices.map(keyOf)).size !== prices.length) refuse(["skills", place, "prices"], "one way has two prices");
  }
});

/** One description of an agent, from which its card, registration file, prices and hashes are made. */
export type AgentDescription = z.output<typeof description>;
export type AgentDescriptionInput = z.input<typeof description>;
export type AgentSkill = AgentDescription["skills"][number];
export type AgentWay = AgentDescription["ways"][number];

/** @throws SdkError `SDK_INPUT` with the first thing that is wrong */
export function parseAgentDescription(input: AgentDescriptionInput): AgentDescription {
  const result = description.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw sdkError("SDK_INPUT", `the agent's description: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unreadable"}`);
}
