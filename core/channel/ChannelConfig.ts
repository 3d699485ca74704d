import { CoreError } from "../errors.ts";
import { MAX_UNITS } from "../generated/protocol.ts";
import { setU64 } from "../codec/integers.ts";
import { keccak256 } from "../hash/index.ts";

/** Where a channel's money is (docs/CHANNELS.md section 1). */
export const HOME = { L1: 0, CORE: 1 } as const;
export type Home = (typeof HOME)[keyof typeof HOME];

/** Party A is side 0, party B side 1. */
export type Side = 0 | 1;

/** Bit of `flags`: only A pays. */
export const ONE_WAY = 1;

/** What a channel is, fixed for its life; its hash is its id. */
export interface ChannelConfig {
  readonly home: Home;
  /** 20 bytes each. */
  readonly partyA: Uint8Array;
  readonly partyB: Uint8Array;
  /** 20 bytes; zero: ETH, or the chain's own asset for home CORE. */
  readonly asset: Uint8Array;
  /** Base units of the asset in one unit; 0 for home CORE, where it is the chain's own. */
  readonly unit: number;
  readonly windowSeconds: number;
  readonly flags: number;
  /** Below 2^53. */
  readonly salt: number;
}

function isU(value: number, limit: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= limit;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** @throws CoreError channel/config, codec/length */
export function checkChannelConfig(config: ChannelConfig): void {
  const refuse = (why: string): never => {
    throw new CoreError("channel/config", why);
  };
  for (const address of [config.partyA, config.partyB, config.asset]) {
    if (address.length !== 20) throw new CoreError("codec/length", `An address has 20 bytes, not ${address.length}.`);
  }
  if (isZero(config.partyA) || isZero(config.partyB)) refuse("A party is the zero address.");
  if (config.partyA.every((byte, i) => byte === config.partyB[i])) refuse("Both parties are the same address.");
  if (config.home !== HOME.L1 && config.home !== HOME.CORE) refuse(`There is no home ${config.home as number}.`);
  if (!isU(config.windowSeconds, 2 ** 32 - 1) || config.windowSeconds === 0) refuse(`A window of ${config.windowSeconds} seconds.`);
  if (!isU(config.salt, MAX_UNITS)) refuse(`The salt ${config.salt} is no whole number below 2^53.`);
  if (config.home === HOME.CORE) {
    if (config.unit !== 0 || config.flags !== 0 || !isZero(config.asset)) refuse("In Layer Core asset, unit and flags are the chain's: zero.");
    return;
  }
  if (!isU(config.unit, MAX_UNITS) || config.unit === 0) refuse(`A unit of ${config.unit}.`);
  if (config.flags !== 0 && config.flags !== ONE_WAY) refuse(`Unknown flags ${config.flags}.`);
}

/**
 * The 32-byte id of a channel.
 * @throws CoreError channel/config, codec/length
 */
export function channelIdOf(config: ChannelConfig): Uint8Array {
  checkChannelConfig(config);
  return hashChannelConfig(config);
}

/** keccak256 of a config, ABI-encoded in the order of the fields, whatever it says: a step of the machine never fails. */
export function hashChannelConfig(config: ChannelConfig): Uint8Array {
  const words = new Uint8Array(256);
  const view = new DataView(words.buffer);
  words[31] = config.home;
  words.set(config.partyA, 44);
  words.set(config.partyB, 76);
  words.set(config.asset, 108);
  setU64(view, 152, config.unit);
  view.setUint32(188, config.windowSeconds);
  words[223] = config.flags;
  setU64(view, 248, config.salt);
  return keccak256(words);
}
