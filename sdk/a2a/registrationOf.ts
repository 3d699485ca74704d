import { capabilitiesText, chainRef, pricesText } from "../../chain/agents/agnt2Service.ts";
import type { Agnt2Service, Capability, CapabilityPrice } from "../../chain/agents/agnt2Service.ts";
import { registryId } from "../../chain/agents/registrationFile.ts";
import { writeRegistrationFile } from "../../chain/agents/writeRegistrationFile.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { contentHash } from "../operations.ts";
import { toBase64Url } from "../sealed/base64Url.ts";
import { buildAgentCard, CARD_PATH, cardDigest } from "./agentCard.ts";
import { CARD_CAPABILITY } from "./AgentDescription.ts";
import type { AgentDescription } from "./AgentDescription.ts";

/** What `Agent.advertise` is called with, and the hashes that will stand on the chain. */
export interface AdvertisedTexts {
  readonly capabilities: string;
  readonly prices: string;
  /** Hex. */
  readonly capabilitiesHash: string;
  readonly pricesHash: string;
}

/** Name of the entry that carries the card's digest. */
export function cardCapabilityName(digest: string): string {
  // 5 + 43 letters: a capability's name has 64 at most.
  return `card:${toBase64Url(fromHex(digest, 32))}`;
}

function capabilitiesOf(description: AgentDescription): Capability[] {
  const skills = description.skills.map(({ capability, name }) => ({ id: capability, name }));
  return [...skills, { id: CARD_CAPABILITY, name: cardCapabilityName(cardDigest(buildAgentCard(description))) }].sort((a, b) => a.id - b.id);
}

function pricesOf({ skills }: AgentDescription): CapabilityPrice[] {
  return skills.flatMap(({ capability, units }) => (units === undefined ? [] : [{ capability, units }])).sort((a, b) => a.capability - b.capability);
}

/**
 * What ADVERTISE puts on the chain. The last capability carries the digest of the card, so that another card is another hash: whoever reads
 * the directory can tell a card that was changed on the way, or one from which the seal keys were dropped.
 */
export function advertisedTexts(description: AgentDescription): AdvertisedTexts {
  const capabilities = capabilitiesText(capabilitiesOf(description));
  const prices = pricesText(pricesOf(description));
  return { capabilities, prices, capabilitiesHash: toHex(contentHash(capabilities)), pricesHash: toHex(contentHash(prices)) };
}

/**
 * The registration file (ERC-8004).
 * @throws ChainError `REGISTRATION_FILE`
 */
export function registrationOf(description: AgentDescription): string {
  const { chainId, layer2, baseUrl, iconUrl, ways, supportedTrust } = description;
  const agnt2: Agnt2Service[] = layer2 === undefined ? [] : [{
    endpoint: layer2.api,
    sequencer: layer2.sequencer,
    chain: chainRef(chainId, layer2.settlement),
    account: layer2.account,
    capabilities: capabilitiesOf(description),
    prices: pricesOf(description),
  }];
  return writeRegistrationFile({
    name: description.name,
    description: description.description,
    image: iconUrl,
    services: [{ name: "A2A", endpoint: `${baseUrl}${CARD_PATH}`, version: "1.0" }, { name: "web", endpoint: `${baseUrl}/`, version: undefined }],
    x402Support: ways.length > 0,
    active: true,
    registrations: registrationsOf(description),
    supportedTrust,
    agnt2,
  });
}

function registrationsOf({ chainId, registration }: AgentDescription) {
  return registration === undefined ? [] : [{ agentId: registration.agentId, agentRegistry: registryId(chainId, registration.identityRegistry) }];
}

/** What stands at `/.well-known/agent-registration.json`: the agents that this domain answers for. */
export function domainProofOf(description: AgentDescription): string {
  const registrations = registrationsOf(description).map(({ agentId, agentRegistry }) => ({ agentId: agentId <= Number.MAX_SAFE_INTEGER ? Number(agentId) : String(agentId), agentRegistry }));
  return JSON.stringify({ registrations });
}
