import { Interface } from "ethers";
import type { JsonRpcApiProvider, Result } from "ethers";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { ChannelConfig, Lock, Side } from "../../core/channel/index.ts";
import { channelAdjudicatorAbi } from "../generated/abi/ChannelAdjudicator.ts";
import { readLogs } from "../readLogs.ts";
import type { RawLog } from "../readLogs.ts";

/** Where an event stands on L1. */
export interface EventPlace {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly transactionHash: string;
}

/** What happened to a channel, or beside all of them (preimages, credits). Amounts in units unless they are bigint: those are base units. */
export type ChannelChainEvent = EventPlace &
  (
    | { readonly kind: "opened"; readonly channelId: Uint8Array; readonly config: ChannelConfig }
    | {
        readonly kind: "imported"; readonly channelId: Uint8Array; readonly config: ChannelConfig; readonly depositA: number; readonly depositB: number;
        readonly version: number; readonly paidByA: number; readonly paidByB: number;
      }
    | { readonly kind: "deposited"; readonly channelId: Uint8Array; readonly side: Side; readonly units: number }
    | { readonly kind: "baseRecorded"; readonly channelId: Uint8Array; readonly version: number; readonly paidByA: number; readonly paidByB: number }
    | {
        readonly kind: "voucherRecorded"; readonly channelId: Uint8Array; readonly payer: Side; readonly version: number; readonly sequence: number;
        readonly paid: number; readonly isEndorsed: boolean; readonly callsHash: Uint8Array; readonly locks: readonly Lock[];
      }
    | { readonly kind: "challenged"; readonly channelId: Uint8Array; readonly side: Side; readonly deadline: number }
    | { readonly kind: "extended"; readonly channelId: Uint8Array; readonly deadline: number }
    | {
        readonly kind: "closed"; readonly channelId: Uint8Array; readonly isUnilateral: boolean; readonly version: number;
        readonly paidByA: number; readonly paidByB: number; readonly shareA: number; readonly shareB: number;
      }
    | { readonly kind: "withdrawn"; readonly channelId: Uint8Array; readonly nonce: number; readonly side: Side; readonly amount: number }
    | { readonly kind: "claimed"; readonly channelId: Uint8Array; readonly paid: number; readonly amount: number }
    | { readonly kind: "grantRegistered"; readonly channelId: Uint8Array; readonly side: Side; readonly key: Uint8Array; readonly cap: number; readonly expiry: number }
    | { readonly kind: "preimageRegistered"; readonly hashlock: Uint8Array; readonly preimage: Uint8Array; readonly time: number }
    | { readonly kind: "paymentKept"; readonly asset: string; readonly owner: string; readonly baseUnits: bigint }
    | { readonly kind: "collected"; readonly asset: string; readonly owner: string; readonly to: string; readonly baseUnits: bigint }
  );

const abi = new Interface(channelAdjudicatorAbi);

/** The first topic of each event of the adjudicator, by its name in the contract. */
export const CHANNEL_TOPICS: Readonly<Record<string, string>> = ((): Record<string, string> => {
  const topics: Record<string, string> = {};
  abi.forEachEvent((event) => (topics[event.name] = event.topicHash));
  return topics;
})();

/** The config of an event, as core has it. */
function configOf(values: Result): ChannelConfig {
  return {
    home: Number(values["home"]) as ChannelConfig["home"],
    partyA: fromHex(values["partyA"] as string),
    partyB: fromHex(values["partyB"] as string),
    asset: fromHex(values["asset"] as string),
    unit: Number(values["unit"]),
    windowSeconds: Number(values["windowSeconds"]),
    flags: Number(values["flags"]),
    salt: Number(values["salt"]),
  };
}

function lockOf(values: Result): Lock {
  return { hashlock: fromHex(values["hashlock"] as string), amount: Number(values["amount"]), expiry: Number(values["expiry"]) };
}

/** A log of the adjudicator as a plain object; undefined for a log that is none of its events. */
export function decodeChannelEvent(log: RawLog): ChannelChainEvent | undefined {
  const parsed = abi.parseLog({ topics: [...log.topics], data: log.data });
  if (parsed === null) return undefined;
  const { args } = parsed;
  const place: EventPlace = { blockNumber: Number(log.blockNumber), blockHash: log.blockHash, transactionHash: log.transactionHash };
  const n = (name: string): number => Number(args[name]);
  const bytes = (name: string): Uint8Array => fromHex(args[name] as string);
  const side = (name: string): Side => (n(name) === 0 ? 0 : 1);
  const channel = () => ({ ...place, channelId: bytes("channelId") });
  switch (parsed.name) {
    case "Opened":
      return { kind: "opened", ...channel(), config: configOf(args["config"] as Result) };
    case "Imported":
      return {
        kind: "imported", ...channel(), config: configOf(args["config"] as Result), depositA: n("depositA"), depositB: n("depositB"),
        version: n("version"), paidByA: n("paidByA"), paidByB: n("paidByB"),
      };
    case "Deposited":
      return { kind: "deposited", ...channel(), side: side("side"), units: n("units") };
    case "BaseRecorded":
      return { kind: "baseRecorded", ...channel(), version: n("version"), paidByA: n("paidByA"), paidByB: n("paidByB") };
    case "VoucherRecorded":
      return {
        kind: "voucherRecorded", ...channel(), payer: side("payer"), version: n("version"), sequence: n("sequence"), paid: n("paid"),
        isEndorsed: args["isEndorsed"] as boolean, callsHash: bytes("callsHash"), locks: [...(args["locks"] as Result)].map((lock) => lockOf(lock as Result)),
      };
    case "Challenged":
      return { kind: "challenged", ...channel(), side: side("side"), deadline: n("deadline") };
    case "Extended":
      return { kind: "extended", ...channel(), deadline: n("deadline") };
    case "Closed":
      return {
        kind: "closed", ...channel(), isUnilateral: args["isUnilateral"] as boolean, version: n("version"),
        paidByA: n("paidByA"), paidByB: n("paidByB"), shareA: n("shareA"), shareB: n("shareB"),
      };
    case "Withdrawn":
      return { kind: "withdrawn", ...channel(), nonce: n("nonce"), side: side("side"), amount: n("amount") };
    case "Claimed":
      return { kind: "claimed", ...channel(), paid: n("paid"), amount: n("amount") };
    case "GrantRegistered":
      return { kind: "grantRegistered", ...channel(), side: side("side"), key: bytes("key"), cap: n("cap"), expiry: n("expiry") };
    case "PreimageRegistered":
      return { kind: "preimageRegistered", ...place, hashlock: bytes("hashlock"), preimage: bytes("preimage"), time: n("time") };
    case "PaymentKept":
      return { kind: "paymentKept", ...place, asset: args["asset"] as string, owner: args["owner"] as string, baseUnits: args["amount"] as bigint };
    case "Collected":
      return { kind: "collected", ...place, asset: args["asset"] as string, owner: args["owner"] as string, to: args["to"] as string, baseUnits: args["amount"] as bigint };
    default:
      return undefined;
  }
}

/** Which channels' events are wanted: those that are named, or all (then also preimages and credits). */
export interface ChannelEventRange {
  readonly adjudicator: string;
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly channelIds?: readonly Uint8Array[];
}

/**
 * Events of a range of blocks, oldest first.
 * @throws ChainError `L1_UNREACHABLE`, and what the endpoint says of a single block
 */
export async function readChannelEvents(provider: JsonRpcApiProvider, { adjudicator, fromBlock, toBlock, channelIds }: ChannelEventRange): Promise<ChannelChainEvent[]> {
  const topics = channelIds === undefined ? [] : [Object.values(CHANNEL_TOPICS), channelIds.map(toHex)];
  const logs = await readLogs(provider, { address: adjudicator, fromBlock, toBlock, topics });
  return logs.flatMap((log) => decodeChannelEvent(log) ?? []);
}
