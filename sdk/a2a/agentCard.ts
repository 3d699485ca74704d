import { chainRef } from "../../chain/agents/agnt2Service.ts";
import { registryId } from "../../chain/agents/registrationFile.ts";
import { toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import type { SignedSealKey } from "../sealed/sealKey.ts";
import type { AgentDescription } from "./AgentDescription.ts";
import { canonicalJson } from "./canonicalJson.ts";
import { SKILLS_PATH } from "./a2aRoutes.ts";

/** Who the agent is on the chains. */
export const IDENTITY_EXTENSION = "urn:agnt2:a2a:identity:1";
/** How it is paid: x402 over HTTP, in which ways, and what each skill costs at its own endpoint. */
export const PAYMENT_EXTENSION = "urn:agnt2:a2a:payment:1";
/** Keys that bodies are sealed to (HPKE); each signed by the agent's key. */
export const ENCRYPTION_EXTENSION = "urn:agnt2:a2a:encryption:1";

export const CARD_PATH = "/.well-known/agent-card.json";
/** Proves that the domain and the agent belong together (ERC-8004). */
export const DOMAIN_PROOF_PATH = "/.well-known/agent-registration.json";
/** The agent's registration file (ERC-8004). */
export const REGISTRATION_PATH = "/.well-known/agnt2.json";

export interface CardExtension {
  readonly uri: string;
  readonly description: string;
  readonly required: boolean;
  readonly params: Record<string, unknown>;
}

/** A signature of the card by the agent's key, as `cardSignature.ts` makes it. */
export interface CardSignature {
  readonly protected: string;
  readonly signature: string;
  readonly header: undefined;
}

/** An agent card of A2A 1.0, with every field that the protocol's own library wants to see. */
export interface AgentCard {
  name: string;
  description: string;
  version: string;
  supportedInterfaces: { url: string; protocolBinding: string; tenant: string; protocolVersion: string }[];
  provider: { organization: string; url: string } | undefined;
  documentationUrl?: string;
  iconUrl?: string;
  capabilities: { streaming: boolean; pushNotifications: boolean; extendedAgentCard: boolean; extensions: CardExtension[] };
  securitySchemes: Record<string, never>;
  securityRequirements: [];
  defaultInputModes: string[];
  defaultOutputModes: string[];
  skills: { id: string; name: string; description: string; tags: string[]; examples: string[]; inputModes: string[]; outputModes: string[]; securityRequirements: [] }[];
  signatures: CardSignature[];
}

function identityOf({ address, chainId, registration, layer2 }: AgentDescription): CardExtension {
  const params = {
    address,
    chainId,
    ...(registration === undefined ? {} : { agentId: String(registration.agentId), agentRegistry: registryId(chainId, registration.identityRegistry) }),
    ...(layer2 === undefined ? {} : { chain: chainRef(chainId, layer2.settlement), account: layer2.account }),
  };
  return { uri: IDENTITY_EXTENSION, description: "Who this agent is on Ethereum and on its agnt2 chain", required: false, params };
}

function paymentOf({ baseUrl, ways, skills }: AgentDescription): CardExtension {
  const priced = skills.map(({ id, capability, method, path, isStream, units, prices }) => ({
    id, capability, method, path, isStream, endpoint: `${baseUrl}${SKILLS_PATH}/${id}`, ...(units === undefined ? {} : { units }), prices,
  }));
  return { uri: PAYMENT_EXTENSION, description: "x402 version 2 over HTTP: ways to pay and prices in base units", required: false, params: { x402Version: 2, ways, skills: priced } };
}

function encryptionOf(keys: readonly SignedSealKey[]): CardExtension {
  const suite = { kem: "DHKEM(X25519, HKDF-SHA256)", kdf: "HKDF-SHA256", aead: "AES-256-GCM" };
  return { uri: ENCRYPTION_EXTENSION, description: "Bodies may be sealed with HPKE to these keys", required: false, params: { ...suite, keys } };
}

const distinct = (modes: readonly (readonly string[])[]): string[] => [...new Set(modes.flat())];

/**
 * The card that the description makes.
 * @param keys the seal keys of now, where the description is sealed
 */
export function buildAgentCard(description: AgentDescription, keys: readonly SignedSealKey[] = []): AgentCard {
  const { baseUrl, skills, provider, documentationUrl, iconUrl, isSealed } = description;
  const at = (path: string, protocolBinding: string) => ({ url: `${baseUrl}${path}`, protocolBinding, tenant: "", protocolVersion: "1.0" });
  return {
    name: description.name,
    description: description.description,
    version: description.version,
    supportedInterfaces: [at("/a2a", "JSONRPC"), at("/a2a/v1", "HTTP+JSON")],
    provider,
    ...(documentationUrl === undefined ? {} : { documentationUrl }),
    ...(iconUrl === undefined ? {} : { iconUrl }),
    capabilities: {
      streaming: true,
      pushNotifications: false,
      extendedAgentCard: false,
      extensions: [identityOf(description), paymentOf(description), ...(isSealed ? [encryptionOf(keys)] : [])],
    },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: distinct(skills.map(({ inputModes }) => inputModes)),
    defaultOutputModes: distinct(skills.map(({ outputModes }) => outputModes)),
    skills: skills.map(({ id, name, description: what, tags, examples, inputModes, outputModes }) => ({ id, name, description: what, tags, examples, inputModes, outputModes, securityRequirements: [] })),
    signatures: [],
  };
}

function withoutKeys(extension: unknown): unknown {
  if (typeof extension !== "object" || extension === null || (extension as CardExtension).uri !== ENCRYPTION_EXTENSION) return extension;
  const { keys: _keys, ...params } = ((extension as CardExtension).params ?? {}) as Record<string, unknown>;
  return { ...extension, params };
}

/**
 * What the agent signs and ADVERTISE commits to: keccak-256 of the card in canonical JSON (RFC 8785), without its signatures and without
 * the seal keys (each is signed by itself, and changes more often). That there are such keys stays in: they cannot be dropped on the way.
 * @param card JSON of a stranger, or a card of ours
 * @returns hex
 */
export function cardDigest(card: Readonly<Record<string, unknown>> | AgentCard): string {
  const { signatures: _signatures, ...rest } = card as Readonly<Record<string, unknown>>;
  const capabilities = rest["capabilities"];
  const extensions = typeof capabilities === "object" && capabilities !== null ? (capabilities as { readonly extensions?: unknown }).extensions : undefined;
  const signed = Array.isArray(extensions) ? { ...rest, capabilities: { ...(capabilities as object), extensions: extensions.map(withoutKeys) } } : rest;
  return toHex(keccak256(new TextEncoder().encode(canonicalJson(signed))));
}
