import { MAX_UNITS } from "../../core/generated/protocol.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { cleanText } from "./cleanText.ts";
import { integerAt, listAt, objectAt, optionalTextAt, refuseFile, textAt } from "./registrationFields.ts";

/** One thing that an agent can be asked for. */
export interface Capability {
  /** The `capability` of INVOKE: 0 to 2^32 - 1. */
  readonly id: number;
  readonly name: string;
}

/** What a call of a capability costs. */
export interface CapabilityPrice {
  readonly capability: number;
  /** Units of the chain, as INVOKE locks them. */
  readonly units: number;
}

/** The service entry of a registration file that ties an agent to its account on an agnt2 chain. */
export interface Agnt2Service {
  /** API of a replica of the chain. */
  readonly endpoint: string;
  /** Where bundles are sent. */
  readonly sequencer: string | undefined;
  /** `eip155:CHAIN:0x…` of the chain's Settlement contract, in lower case: says which chain it is. */
  readonly chain: string;
  /** Index of the account on that chain. */
  readonly account: number;
  /** Ascending by id. */
  readonly capabilities: readonly Capability[];
  /** Ascending by capability, at most one each. */
  readonly prices: readonly CapabilityPrice[];
}

/** What ADVERTISE puts on the chain for a service entry. */
export interface Advertisement {
  readonly capabilitiesHash: Uint8Array;
  readonly pricesHash: Uint8Array;
}

const MAX_U32 = 2 ** 32 - 1;
const MAX_CAPABILITIES = 64;
const MAX_NAME = 64;
const MAX_URL = 2_048;

/** A chain as service entries name it: by the contract that settles it. */
export function chainRef(chainId: number | bigint, settlement: string): string {
  return `eip155:${chainId}:${settlement.toLowerCase()}`;
}

function requireAscending(ids: readonly number[], field: string): void {
  if (ids.some((id, place) => place > 0 && id <= (ids[place - 1] ?? 0))) throw refuseFile(field, "it is not ascending, or names one twice");
}

/**
 * Checks an `agnt2` service entry.
 * @param field where it stands in the file
 * @throws ChainError `REGISTRATION_FILE`
 */
export function parseAgnt2Service(entry: Record<string, unknown>, field: string): Agnt2Service {
  const chain = textAt(entry, "chain", 80, field).toLowerCase();
  if (!/^eip155:[1-9]\d{0,15}:0x[0-9a-f]{40}$/.test(chain)) throw refuseFile(`${field}.chain`, "it is not eip155:CHAIN:0x…");
  const capabilities = listAt(entry, "capabilities", MAX_CAPABILITIES, field).map((item, place): Capability => {
    const at = `${field}.capabilities.${place}`;
    const capability = objectAt(item, at);
    const name = textAt(capability, "name", MAX_NAME, at);
    // The name is hashed: what was cleaned would have another hash.
    if (name !== capability["name"]) throw refuseFile(`${at}.name`, "it has characters that are not text");
    return { id: integerAt(capability, "id", 0, MAX_U32, at), name };
  });
  const prices = listAt(entry, "prices", MAX_CAPABILITIES, field).map((item, place): CapabilityPrice => {
    const at = `${field}.prices.${place}`;
    const price = objectAt(item, at);
    return { capability: integerAt(price, "capability", 0, MAX_U32, at), units: integerAt(price, "units", 0, MAX_UNITS, at) };
  });
  requireAscending(capabilities.map(({ id }) => id), `${field}.capabilities`);
  requireAscending(prices.map(({ capability }) => capability), `${field}.prices`);
  const known = new Set(capabilities.map(({ id }) => id));
  if (prices.some(({ capability }) => !known.has(capability))) throw refuseFile(`${field}.prices`, "it names a capability that is not there");
  return {
    endpoint: textAt(entry, "endpoint", MAX_URL, field),
    sequencer: optionalTextAt(entry, "sequencer", MAX_URL, field),
    chain,
    account: integerAt(entry, "account", 1, MAX_U32, field),
    capabilities,
    prices,
  };
}

/**
 * The text whose keccak-256 ADVERTISE names as `capabilitiesHash`: the list in JSON without blanks, ascending by id, each as
 * `{"id":7,"name":"translate"}`; UTF-8.
 */
export function capabilitiesText(capabilities: readonly Capability[]): string {
  return JSON.stringify([...capabilities].sort((a, b) => a.id - b.id).map(({ id, name }) => ({ id, name: cleanText(name).trim() })));
}

/** The same for `pricesHash`: ascending by capability, each as `{"capability":7,"units":1000}`. */
export function pricesText(prices: readonly CapabilityPrice[]): string {
  return JSON.stringify([...prices].sort((a, b) => a.capability - b.capability).map(({ capability, units }) => ({ capability, units })));
}

/** The hashes by which a service entry can be checked against the account's directory entry on the chain. */
export function advertisementOf({ capabilities, prices }: Pick<Agnt2Service, "capabilities" | "prices">): Advertisement {
  const hashOf = (text: string): Uint8Array => keccak256(new TextEncoder().encode(text));
  return { capabilitiesHash: hashOf(capabilitiesText(capabilities)), pricesHash: hashOf(pricesText(prices)) };
}
