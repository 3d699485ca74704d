import { advertisementOf } from "../../../chain/agents/agnt2Service.ts";
import type { Agnt2Service } from "../../../chain/agents/agnt2Service.ts";
import { namesAgent, parseRegistrationFile } from "../../../chain/agents/registrationFile.ts";
import type { RegistrationFile } from "../../../chain/agents/registrationFile.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import { fetchJsonDocument } from "../../../runtime/fetch/fetchJsonDocument.ts";
import { PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { parseDocument } from "../../../runtime/fetch/parseDocument.ts";
import { safeRequest } from "../../../runtime/fetch/safeRequest.ts";
import { CARD_PATH, DOMAIN_PROOF_PATH, REGISTRATION_PATH } from "../../a2a/agentCard.ts";
import { CARD_CAPABILITY } from "../../a2a/AgentDescription.ts";
import { parseUrl } from "../../a2a/parseUrl.ts";
import { readCard } from "../../a2a/readCard.ts";
import type { ReadCard } from "../../a2a/readCard.ts";
import { cardCapabilityName } from "../../a2a/registrationOf.ts";
import type { RegisteredAgent } from "../../agents/AgentDesk.ts";
import { chooseSealKey } from "../../sealed/sealKey.ts";
import type { SignedSealKey } from "../../sealed/sealKey.ts";
import { SdkError, sdkError } from "../../SdkError.ts";
import type { AgentRegistry, DiscoveryOptions } from "./DiscoveryOptions.ts";

/** Another agent, as far as it is proven: see `proven`. */
export interface RemoteAgent extends ReadCard {
  /** ERC-8004 id, where the registry says so too. */
  readonly agentId: bigint | undefined;
  /** What bodies are sealed to now; undefined when it does not take sealed ones. */
  readonly encryptionKey: SignedSealKey | undefined;
  /** The card as it was served. */
  readonly card: unknown;
  /** What was checked besides the card's signature. `registry`: owner, file and domain; `directory`: card and prices are those that the chain has. */
  readonly proven: { readonly registry: boolean; readonly directory: boolean };
}

const CARD_BYTES = 128 * 1024;
const PROOF_BYTES = 32 * 1024;

function refuse(problem: string, values: Readonly<Record<string, unknown>> = {}, cause?: unknown): SdkError {
  return sdkError("SDK_REMOTE_AGENT", problem, values, cause);
}

/** Runs a check of something that a stranger wrote; whatever it throws says that it does not hold. */
function read<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SdkError) throw error;
    throw refuse(`${what}: ${toError(error).message}`, {}, error);
  }
}

/** A document at the agent's own host. It is where it says that it is: nobody is sent on to another place. @throws FetchError */
async function fetchAt(url: string, maxBytes: number, { policy = PUBLIC_POLICY, timeoutMs, signal }: DiscoveryOptions): Promise<unknown> {
  const answer = await safeRequest(url, { policy, maxBytes, maxRedirects: 0, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  if (answer.status !== 200) throw refuse(`${url} answers with status ${answer.status}`);
  return parseDocument(answer.body);
}

function parseFile(json: unknown): RegistrationFile {
  return read("its registration file", () => parseRegistrationFile(json));
}

/** The registration file that the registry names for an id, if it names the agent back. */
async function fetchRegistration(registry: AgentRegistry, agent: RegisteredAgent, options: DiscoveryOptions): Promise<RegistrationFile> {
  if (agent.uri === "") throw refuse(`agent ${agent.agentId} has no registration file`);
  const { policy, ipfsGateway, timeoutMs, signal } = options;
  const { json } = await fetchJsonDocument(agent.uri, { policy, ipfsGateway, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const file = parseFile(json);
  if (!namesAgent(file, agent.agentId, registry.id)) throw refuse(`its registration file does not name agent ${agent.agentId} of ${registry.id}`);
  if (!file.active) throw refuse(`agent ${agent.agentId} says that it is not active`);
  return file;
}

function cardUrlOf({ services }: RegistrationFile): string {
  const endpoint = services.find(({ name }) => name === "A2A")?.endpoint;
  const url = endpoint === undefined ? undefined : parseUrl(endpoint);
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) throw refuse("its registration file names no A2A card by http");
  return url.href;
}

/** The domain answers for the agent (ERC-8004, endpoint domain verification). */
async function checkDomain(baseUrl: string, agentId: bigint, registry: string, options: DiscoveryOptions): Promise<void> {
  const proof = await fetchAt(`${baseUrl}${DOMAIN_PROOF_PATH}`, PROOF_BYTES, options);
  const listed = (proof as { readonly registrations?: unknown } | null)?.registrations;
  const isNamed = Array.isArray(listed) && listed.slice(0, 64).some((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return false;
    const { agentId: id, agentRegistry } = entry as { readonly agentId?: unknown; readonly agentRegistry?: unknown };
    return String(id) === String(agentId) && typeof agentRegistry === "string" && agentRegistry.toLowerCase() === registry;
  });
  if (!isNamed) throw refuse(`${baseUrl} does not answer for agent ${agentId}`);
}

/** Card, registration file and directory say the same: then nobody has changed the card since it was advertised. */
function checkAdvertised(card: ReadCard, service: Agnt2Service, hashes: { readonly capabilitiesHash: string; readonly pricesHash: string }): void {
  const { capabilitiesHash, pricesHash } = advertisementOf(service);
  if (toHex(capabilitiesHash) !== hashes.capabilitiesHash || toHex(pricesHash) !== hashes.pricesHash) throw refuse("its registration file is not what its account has advertised");
  const committed = service.capabilities.find(({ id }) => id === CARD_CAPABILITY)?.name;
  if (committed !== cardCapabilityName(card.digest)) throw refuse("its card is not the one that its account has advertised", { digest: card.digest });
  const units = new Map(service.prices.map((price) => [price.capability, price.units]));
  if (card.skills.some((skill) => units.get(skill.capability) !== skill.units)) throw refuse("its card has other prices than its account has advertised");
}

async function checkDirectory(card: ReadCard, file: RegistrationFile | undefined, options: DiscoveryOptions): Promise<boolean> {
  const { directory } = options;
  const { account } = card;
  if (directory === undefined || account === undefined || account.chain !== directory.chain) return false;
  const entry = await directory.entry(account.index);
  if (entry === undefined || entry.owner.toLowerCase() !== card.address) throw refuse(`account ${account.index} is not that of ${card.address}`);
  if (entry.linkedAgentId !== undefined && entry.linkedAgentId !== card.registration?.agentId) throw refuse(`account ${account.index} belongs to agent ${entry.linkedAgentId}`);
  const { capabilitiesHash, pricesHash } = entry;
  if (capabilitiesHash === undefined || pricesHash === undefined) return false;
  // Without a registry the file at the agent's own host will do: the chain's hashes hold it.
  const known = file ?? parseFile(await fetchAt(`${card.baseUrl}${REGISTRATION_PATH}`, CARD_BYTES, options));
  const service = known.agnt2.find(({ chain, account: index }) => chain === directory.chain && index === account.index);
  if (service === undefined) throw refuse("its registration file does not name its account");
  checkAdvertised(card, service, { capabilitiesHash, pricesHash });
  return true;
}

/**
 * Finds an agent by its ERC-8004 id or its URL, and checks that registry, file, domain, card, keys and directory agree, as far as each is
 * there. Everything is fetched once; what a stranger names is fetched by the policy only.
 * @throws SdkError `SDK_REMOTE_AGENT` when something does not hold, `SDK_INPUT`; FetchError; ChainError for an id that is not there
 */
export async function discoverAgent(agent: bigint | number | string, options: DiscoveryOptions = {}): Promise<RemoteAgent> {
  const { registry, nowSeconds = Math.floor(Date.now() / 1_000) } = options;
  const isUrl = typeof agent === "string" && !/^\d{1,78}$/.test(agent);
  let registered: RegisteredAgent | undefined;
  let file: RegistrationFile | undefined;
  let cardUrl: string;
  if (isUrl) {
    const url = parseUrl(agent);
    if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) throw sdkError("SDK_INPUT", "an agent is named by its id or an http URL");
    cardUrl = url.pathname.endsWith(".json") ? url.href : `${url.origin}${CARD_PATH}`;
  } else {
    if (registry === undefined) throw sdkError("SDK_INPUT", "finding an agent by its id needs a registry");
    registered = await registry.show(BigInt(agent));
    file = await fetchRegistration(registry, registered, options);
    cardUrl = cardUrlOf(file);
  }
  const json = await fetchAt(cardUrl, CARD_BYTES, options);
  const told = read("its card", () => readCard(json, cardUrl, registered === undefined ? [] : [registered.wallet]));
  const claims = told.registration;
  if (registered === undefined && claims !== undefined && claims.agentRegistry === registry?.id) {
    registered = await registry.show(claims.agentId);
    file = await fetchRegistration(registry, registered, options);
    if (cardUrlOf(file) !== cardUrl) throw refuse(`agent ${claims.agentId} has its card elsewhere`);
  }
  if (registered !== undefined) {
    if (claims?.agentId !== registered.agentId || claims.agentRegistry !== registry?.id) throw refuse(`its card does not name agent ${registered.agentId}`);
    if (![registered.owner, registered.wallet].includes(told.address)) throw refuse(`its card is of ${told.address}, the registry says ${registered.owner}`);
    await checkDomain(told.baseUrl, registered.agentId, registry!.id, options);
  }
  const isAdvertised = await checkDirectory(told, file, options);
  // An external signer may be away when the card is made: then the chain's hash of it will do.
  if (!told.isSigned && !isAdvertised) throw refuse(`its card is not signed by ${told.address}`);
  const encryptionKey = chooseSealKey(told.sealKeys, nowSeconds);
  // Never unsealed to an agent that wants it sealed: somebody may have taken the keys away.
  if (told.isSealed && encryptionKey === undefined) throw refuse("it takes sealed bodies, and has no key for them that it has signed and that is good now");
  return { ...told, agentId: registered?.agentId, encryptionKey, card: json, proven: { registry: registered !== undefined, directory: isAdvertised } };
}
