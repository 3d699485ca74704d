import { z } from "zod";

import { cleanText } from "../../chain/agents/cleanText.ts";
import { readSealKeys } from "../sealed/sealKey.ts";
import type { SignedSealKey } from "../sealed/sealKey.ts";
import { sdkError } from "../SdkError.ts";
import { cardDigest, ENCRYPTION_EXTENSION, IDENTITY_EXTENSION, PAYMENT_EXTENSION } from "./agentCard.ts";
import { isCardSignedBy } from "./cardSignature.ts";
import { parseUrl } from "./parseUrl.ts";

/** What a skill of another agent costs, and where it is asked for. */
export interface RemoteSkill {
  readonly id: string;
  readonly capability: number;
  readonly name: string;
  readonly description: string;
  /** Of the service itself: asked for over plain HTTP. */
  readonly method: string;
  readonly path: string;
  readonly isStream: boolean;
  /** JSON-RPC of A2A, at the skill's own price. */
  readonly endpoint: string;
  readonly units: number | undefined;
  /** Base units, for each way that it is sold in. */
  readonly prices: readonly { readonly scheme: string; readonly asset: string; readonly amount: bigint }[];
}

export interface RemoteWay {
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly extra: Readonly<Record<string, string | number | boolean>>;
}

/** A card after all checks that need nothing but itself. Texts are a stranger's: cleaned and bounded. */
export interface ReadCard {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** Scheme, host and port that all its endpoints share with the card. */
  readonly baseUrl: string;
  /** Lower case. */
  readonly address: string;
  readonly chainId: number;
  readonly registration: { readonly agentId: bigint; readonly agentRegistry: string } | undefined;
  readonly account: { readonly chain: string; readonly index: number } | undefined;
  readonly ways: readonly RemoteWay[];
  readonly skills: readonly RemoteSkill[];
  /** Its endpoints by binding: JSONRPC, HTTP+JSON. */
  readonly interfaces: readonly { readonly url: string; readonly protocolBinding: string }[];
  /** Whether it says that bodies can be sealed. */
  readonly isSealed: boolean;
  /** Keys that the agent has signed. */
  readonly sealKeys: readonly SignedSealKey[];
  /** Hex. */
  readonly digest: string;
  /** Whether the agent's key has signed it; if not, only the chain's word can stand for it. */
  readonly isSigned: boolean;
}

const text = (most: number) => z.string().max(most).transform((value) => cleanText(value).trim());
const word = z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/);
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const amount = z.string().regex(/^(0|[1-9]\d{0,77})$/).transform(BigInt);
const url = z.string().max(2_048);

const cardShape = z.object({
  name: text(128),
  description: text(4_096).default(""),
  version: text(32).default(""),
  supportedInterfaces: z.array(z.object({ url, protocolBinding: z.string().max(32), protocolVersion: z.string().max(8) })).min(1).max(16),
  capabilities: z.object({ extensions: z.array(z.object({ uri: z.string().max(256), params: z.record(z.string(), z.unknown()).default({}) })).max(32) }),
  skills: z.array(z.object({ id: z.string().max(128), name: text(128), description: text(2_048).default("") })).max(64),
});

const identityShape = z.object({
  address: address.transform((value) => value.toLowerCase()),
  chainId: z.int().min(1),
  agentId: z.string().regex(/^\d{1,78}$/).transform(BigInt).optional(),
  agentRegistry: z.string().regex(/^eip155:\d{1,16}:0x[0-9a-f]{40}$/).optional(),
  chain: z.string().regex(/^eip155:\d{1,16}:0x[0-9a-f]{40}$/).optional(),
  account: z.int().min(1).max(2 ** 32 - 1).optional(),
});

const paymentShape = z.object({
  x402Version: z.literal(2),
  ways: z.array(z.object({ scheme: word, network: z.string().regex(/^eip155:\d{1,16}$/), asset: address, payTo: address, extra: z.record(z.string().max(64), z.union([z.string().max(512), z.number(), z.boolean()])).default({}) })).max(8),
  skills: z.array(z.object({
    id: word,
    capability: z.int().min(0).max(2 ** 32 - 2),
    method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path: z.string().max(512).regex(/^\/(?!\/)[A-Za-z0-9\-._~!$&'()+,;=:@/]*$/),
    isStream: z.boolean(),
    endpoint: url,
    units: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    prices: z.array(z.object({ scheme: word, asset: address, amount })).max(8),
  })).min(1).max(32),
});

function refuse(problem: string, cause?: unknown) {
  return sdkError("SDK_REMOTE_AGENT", `its card: ${problem}`, {}, cause);
}

function shaped<T>(shape: z.ZodType<T>, value: unknown, what: string): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw refuse(`${what}: ${result.error.issues[0]?.path.join(".") ?? ""} is not as it should be`);
}

/** @throws SdkError `SDK_REMOTE_AGENT` for a URL of another origin than the card's: what is said of one host is asked of that host */
function sameOrigin(given: string, origin: string, what: string): string {
  const parsed = parseUrl(given);
  if (parsed === undefined || parsed.origin !== origin || parsed.username !== "" || parsed.password !== "") throw refuse(`${what} leads away from ${origin}`);
  return parsed.href;
}

/**
 * Checks the card that was found at a URL: shape and sizes, one origin for everything, all money to the agent. Whether the agent
 * has signed it is told, not required: `discoverAgent` knows what else may stand for it.
 * @param payees addresses besides the agent's own that may be paid, such as its wallet in the registry
 * @throws SdkError `SDK_REMOTE_AGENT`
 */
export function readCard(json: unknown, cardUrl: string, payees: readonly string[] = []): ReadCard {
  const { origin } = new URL(cardUrl);
  const card = shaped(cardShape, json, "the card");
  const extensions = card.capabilities.extensions;
  const paramsOf = (uri: string): Record<string, unknown> | undefined => {
    const found = extensions.filter((extension) => extension.uri === uri);
    if (found.length > 1) throw refuse(`it has ${uri} twice`);
    return found[0]?.params;
  };
  const identityParams = paramsOf(IDENTITY_EXTENSION);
  if (identityParams === undefined) throw refuse("it does not say who the agent is on Ethereum");
  const identity = shaped(identityShape, identityParams, IDENTITY_EXTENSION);
  const payment = shaped(paymentShape, paramsOf(PAYMENT_EXTENSION), PAYMENT_EXTENSION);
  const owner = { address: identity.address, chainId: identity.chainId };
  const taken = new Set([identity.address, ...payees.map((each) => each.toLowerCase())]);
  for (const { payTo, network } of payment.ways) {
    if (!taken.has(payTo.toLowerCase())) throw refuse(`it wants ${payTo} to be paid, which is not the agent`);
    if (network !== `eip155:${identity.chainId}`) throw refuse(`it wants to be paid on ${network}`);
  }
  const { agentId, agentRegistry, chain, account } = identity;
  const sealed = paramsOf(ENCRYPTION_EXTENSION);
  const described = new Map(card.skills.map((skill) => [skill.id, skill]));
  return {
    name: card.name,
    description: card.description,
    version: card.version,
    baseUrl: origin,
    ...owner,
    registration: agentId === undefined || agentRegistry === undefined ? undefined : { agentId, agentRegistry },
    account: chain === undefined || account === undefined ? undefined : { chain, index: account },
    ways: payment.ways,
    skills: payment.skills.map((skill) => ({
      ...skill,
      units: skill.units,
      name: described.get(skill.id)?.name ?? skill.id,
      description: described.get(skill.id)?.description ?? "",
      endpoint: sameOrigin(skill.endpoint, origin, `skill ${skill.id}`),
    })),
    interfaces: card.supportedInterfaces.filter(({ protocolVersion }) => protocolVersion.startsWith("1.")).map((each) => ({ url: sameOrigin(each.url, origin, "an interface"), protocolBinding: each.protocolBinding })),
    isSealed: sealed !== undefined,
    sealKeys: readSealKeys(sealed?.["keys"], owner),
    digest: cardDigest(json as Record<string, unknown>),
    isSigned: isCardSignedBy(owner, json as Record<string, unknown>),
  };
}
