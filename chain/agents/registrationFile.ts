import { ChainError } from "../ChainError.ts";
import { parseAgnt2Service } from "./agnt2Service.ts";
import type { Agnt2Service } from "./agnt2Service.ts";
import { listAt, objectAt, optionalTextAt, refuseFile, textAt } from "./registrationFields.ts";

/** `type` of a registration file (ERC-8004). */
export const REGISTRATION_TYPE = "https://eips.ethereum.org/EIPS/eip-8004#registration-v1";
/** Name of the service entry that ties an agent to an account of an agnt2 chain. */
export const AGNT2_SERVICE = "agnt2";

/** Longest texts and lists, in characters and entries. */
export const REGISTRATION_LIMITS = { name: 128, description: 4_096, url: 2_048, word: 64, services: 32, registrations: 64, supportedTrust: 16 } as const;

/** Where an agent can be reached, by some protocol. */
export interface ServiceEntry {
  /** "A2A", "MCP", "web", "agnt2" … */
  readonly name: string;
  /** A URL, or whatever the protocol names its ends by. A stranger's word: check it before anything is sent there. */
  readonly endpoint: string;
  readonly version: string | undefined;
}

/** An entry of the file that names the agent back. */
export interface RegistrationEntry {
  readonly agentId: bigint;
  /** `eip155:CHAIN:0x…`, in lower case. */
  readonly agentRegistry: string;
}

/** A registration file after all checks. All of it is what its author says: text of a stranger, cleaned and bounded. */
export interface RegistrationFile {
  readonly name: string;
  readonly description: string;
  readonly image: string | undefined;
  readonly services: readonly ServiceEntry[];
  readonly x402Support: boolean;
  readonly active: boolean;
  readonly registrations: readonly RegistrationEntry[];
  readonly supportedTrust: readonly string[];
  /** The `agnt2` entries among the services, one a chain. */
  readonly agnt2: readonly Agnt2Service[];
}

/** The registry as registration files name it. */
export function registryId(chainId: number | bigint, identityRegistry: string): string {
  return `eip155:${chainId}:${identityRegistry.toLowerCase()}`;
}

function flagAt(object: Record<string, unknown>, field: string, missing: boolean): boolean {
  const value = object[field] ?? missing;
  if (typeof value !== "boolean") throw refuseFile(field, "it is neither true nor false");
  return value;
}

function agentIdOf(value: unknown, field: string): bigint {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === "string" && /^\d{1,78}$/.test(value)) return BigInt(value);
  throw refuseFile(field, "it is no agent id");
}

/** Files are often published before the agent has its id: an entry without one says nothing. */
function registrationsOf(root: Record<string, unknown>): RegistrationEntry[] {
  return listAt(root, "registrations", REGISTRATION_LIMITS.registrations).flatMap((item, place) => {
    const field = `registrations.${place}`;
    const entry = objectAt(item, field);
    const agentRegistry = textAt(entry, "agentRegistry", 160, field).toLowerCase();
    if (!/^[a-z0-9-]{3,8}:[^\s:]{1,64}:[^\s]{1,80}$/.test(agentRegistry)) throw refuseFile(`${field}.agentRegistry`, "it is not NAMESPACE:CHAIN:ADDRESS");
    if (entry["agentId"] === null || entry["agentId"] === undefined) return [];
    return [{ agentId: agentIdOf(entry["agentId"], `${field}.agentId`), agentRegistry }];
  });
}

/**
 * Checks what was found at an agent's URI. Fields that ERC-8004 does not know are left out, characters that are not text are dropped,
 * everything has a size that it may not exceed.
 * @throws ChainError `REGISTRATION_FILE` with `field`
 */
export function parseRegistrationFile(json: unknown): RegistrationFile {
  const root = objectAt(json, "the file");
  if (root["type"] !== REGISTRATION_TYPE) throw refuseFile("type", `it is not ${REGISTRATION_TYPE}`);
  const { name, description, url, word, services: mostServices, supportedTrust } = REGISTRATION_LIMITS;
  const entries = listAt(root, "services", mostServices).map((item, place) => [objectAt(item, `services.${place}`), `services.${place}`] as const);
  const services = entries.map(([entry, field]): ServiceEntry => ({
    name: textAt(entry, "name", word, field),
    endpoint: textAt(entry, "endpoint", url, field),
    version: optionalTextAt(entry, "version", word, field),
  }));
  return {
    name: textAt(root, "name", name),
    description: optionalTextAt(root, "description", description) ?? "",
    image: optionalTextAt(root, "image", url),
    services,
    x402Support: flagAt(root, "x402Support", false),
    active: flagAt(root, "active", true),
    registrations: registrationsOf(root),
    supportedTrust: listAt(root, "supportedTrust", supportedTrust).map((item, place) => textAt({ item }, "item", word, `supportedTrust.${place}`)),
    agnt2: entries.filter(([entry]) => entry["name"] === AGNT2_SERVICE).map(([entry, field]) => parseAgnt2Service(entry, field)),
  };
}

/** Whether the file names this agent: without it, anybody's agent may point at anybody's file. */
export function namesAgent(file: RegistrationFile, agentId: bigint, registry: string): boolean {
  return file.registrations.some((entry) => entry.agentId === agentId && entry.agentRegistry === registry.toLowerCase());
}

/** True for an error that says what is wrong with a file. */
export function isRegistrationFileError(error: unknown): error is ChainError {
  return error instanceof ChainError && error.code === "REGISTRATION_FILE";
}
