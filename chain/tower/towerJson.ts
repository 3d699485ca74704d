import { checkChannelConfig, locksHashOf, MAX_LOCKS } from "../../core/channel/index.ts";
import type { ChannelConfig, Lock, Side } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { PartySignature, SignedBase, SignedGrant, SignedVoucher } from "../channels/SignedState.ts";
import { TowerStateError } from "./TowerStateError.ts";
import { otherSide } from "./TowerState.ts";
import type { TowerReceipt, TowerState } from "./TowerState.ts";

/** A JSON value that is being read. */
type Json = Readonly<Record<string, unknown>>;

const U32 = 2 ** 32 - 1;
const U40 = 2 ** 40 - 1;

function fail(why: string): never {
  throw new TowerStateError("tower/body", why);
}

/** @throws TowerStateError tower/body: not an object with these fields and no others */
function objectOf(value: unknown, name: string, required: readonly string[], optional: readonly string[] = []): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${name} is no object.`);
  for (const field of required) if (!Object.hasOwn(value, field)) fail(`${name}.${field} is missing.`);
  for (const field of Object.keys(value)) if (!required.includes(field) && !optional.includes(field)) fail(`${name} has an unknown field.`);
  return value as Json;
}

function numberOf(json: Json, field: string, limit = Number.MAX_SAFE_INTEGER): number {
  const value = json[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > limit) fail(`${field} is no whole number from 0 to ${limit}.`);
  return value;
}

function bytesOf(json: Json, field: string, lengths: readonly number[]): Uint8Array {
  const value = json[field];
  if (typeof value !== "string" || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value)) fail(`${field} is no 0x-hexadecimal text.`);
  const bytes = fromHex(value);
  if (!lengths.includes(bytes.length)) fail(`${field} has ${bytes.length} bytes.`);
  return bytes;
}

function sideOf(json: Json, field: string): Side {
  return numberOf(json, field, 1) as Side;
}

function readConfig(value: unknown): ChannelConfig {
  const json = objectOf(value, "config", ["home", "partyA", "partyB", "asset", "unit", "windowSeconds", "flags", "salt"]);
  const address = (field: string): Uint8Array => bytesOf(json, field, [20]);
  const config = {
    home: numberOf(json, "home", 1) as 0 | 1,
    partyA: address("partyA"),
    partyB: address("partyB"),
    asset: address("asset"),
    unit: numberOf(json, "unit"),
    windowSeconds: numberOf(json, "windowSeconds", U32),
    flags: numberOf(json, "flags", 255),
    salt: numberOf(json, "salt"),
  };
  try {
    checkChannelConfig(config);
  } catch (error) {
    throw new TowerStateError("tower/body", error instanceof Error ? error.message : String(error), { cause: error });
  }
  return config;
}

function readGrant(value: unknown): SignedGrant {
  const json = objectOf(value, "grant", ["key", "cap", "expiry", "signature"]);
  return { key: bytesOf(json, "key", [20]), cap: numberOf(json, "cap"), expiry: numberOf(json, "expiry", U40), signature: bytesOf(json, "signature", [0, 64]) };
}

export function readPartySignature(value: unknown): PartySignature {
  const json = objectOf(value, "signature", ["signature"], ["grant"]);
  const signature = bytesOf(json, "signature", [64]);
  return json["grant"] === undefined ? { signature } : { signature, grant: readGrant(json["grant"]) };
}

function readBase(value: unknown): SignedBase {
  const json = objectOf(value, "base", ["version", "paidByA", "paidByB", "signatures"]);
  const signatures = json["signatures"];
  if (!Array.isArray(signatures) || signatures.length !== 2) fail("base.signatures are not two.");
  return {
    version: numberOf(json, "version", U32),
    paidByA: numberOf(json, "paidByA"),
    paidByB: numberOf(json, "paidByB"),
    signatures: [readPartySignature(signatures[0]), readPartySignature(signatures[1])],
  };
}

function readLock(value: unknown): Lock {
  const json = objectOf(value, "lock", ["hashlock", "amount", "expiry"]);
  return { hashlock: bytesOf(json, "hashlock", [32]), amount: numberOf(json, "amount"), expiry: numberOf(json, "expiry", U40) };
}

function readVoucher(value: unknown, payer: Side): SignedVoucher {
  const json = objectOf(value, "voucher", ["version", "sequence", "paid", "callsHash", "by"], ["locks", "endorsement"]);
  const list = json["locks"] ?? [];
  if (!Array.isArray(list) || list.length > MAX_LOCKS) fail(`voucher.locks is no list of at most ${MAX_LOCKS}.`);
  const locks = list.map(readLock);
  return {
    payer,
    version: numberOf(json, "version", U32),
    sequence: numberOf(json, "sequence"),
    paid: numberOf(json, "paid"),
    locksHash: locksHashOf(locks),
    callsHash: bytesOf(json, "callsHash", [32]),
    locks,
    by: readPartySignature(json["by"]),
    ...(json["endorsement"] === undefined ? {} : { endorsement: readPartySignature(json["endorsement"]) }),
  };
}

/**
 * A state from its JSON; nothing but the form is checked.
 * @throws TowerStateError `tower/body`
 */
export function readTowerState(value: unknown): TowerState {
  const json = objectOf(value, "state", ["config", "side"], ["base", "voucher"]);
  const side = sideOf(json, "side");
  return {
    config: readConfig(json["config"]),
    side,
    ...(json["base"] === undefined ? {} : { base: readBase(json["base"]) }),
    ...(json["voucher"] === undefined ? {} : { voucher: readVoucher(json["voucher"], otherSide(side)) }),
  };
}

export function writePartySignature({ signature, grant }: PartySignature): Json {
  if (grant === undefined) return { signature: toHex(signature) };
  const { key, cap, expiry } = grant;
  return { signature: toHex(signature), grant: { key: toHex(key), cap, expiry, signature: toHex(grant.signature) } };
}

/** The JSON of a state: numbers below 2^53 as numbers, bytes as 0x-hexadecimal text. */
export function writeTowerState({ config, side, base, voucher }: TowerState): Json {
  const { partyA, partyB, asset, ...rest } = config;
  const lock = ({ hashlock, amount, expiry }: Lock): Json => ({ hashlock: toHex(hashlock), amount, expiry });
  return {
    config: { ...rest, partyA: toHex(partyA), partyB: toHex(partyB), asset: toHex(asset) },
    side,
    ...(base === undefined
      ? {}
      : { base: { version: base.version, paidByA: base.paidByA, paidByB: base.paidByB, signatures: base.signatures.map(writePartySignature) } }),
    ...(voucher === undefined
      ? {}
      : {
          voucher: {
            version: voucher.version,
            sequence: voucher.sequence,
            paid: voucher.paid,
            callsHash: toHex(voucher.callsHash),
            ...(voucher.locks.length === 0 ? {} : { locks: voucher.locks.map(lock) }),
            by: writePartySignature(voucher.by),
            ...(voucher.endorsement === undefined ? {} : { endorsement: writePartySignature(voucher.endorsement) }),
          },
        }),
  };
}

/** @throws TowerStateError `tower/body` */
export function readReceipt(value: unknown): TowerReceipt {
  const json = objectOf(value, "receipt", ["channelId", "side", "version", "sequence", "paid", "from", "until"]);
  return {
    channelId: bytesOf(json, "channelId", [32]),
    side: sideOf(json, "side"),
    version: numberOf(json, "version", U32),
    sequence: numberOf(json, "sequence"),
    paid: numberOf(json, "paid"),
    from: numberOf(json, "from", U40),
    until: numberOf(json, "until", U40),
  };
}

export function writeReceipt({ channelId, side, version, sequence, paid, from, until }: TowerReceipt): Json {
  return { channelId: toHex(channelId), side, version, sequence, paid, from, until };
}
