import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, ContractFactory, Interface, ZeroAddress, computeAddress, getBytes, keccak256, toUtf8Bytes } from "ethers";
import type { ContractTransaction, InterfaceAbi, JsonRpcApiProvider, TransactionReceipt } from "ethers";

import { CHANNEL_ABIS, connectAdjudicator } from "../../chain/channels/connectAdjudicator.ts";
import { decodeChannelEvent } from "../../chain/channels/channelEvents.ts";
import type { ChannelChainEvent } from "../../chain/channels/channelEvents.ts";
import { readChannel } from "../../chain/channels/readChannel.ts";
import type { OnChainChannel } from "../../chain/channels/readChannel.ts";
import { configStruct, grantStructs, lockStructs, updateStruct } from "../../chain/channels/channelStructs.ts";
import type { Challenger, SignedUpdate } from "../../chain/channels/SignedState.ts";
import { decodeRevertData, toChainError } from "../../chain/decodeRevert.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { HOME } from "../../core/channel/index.ts";
import type { ChannelConfig, Lock, Side } from "../../core/channel/index.ts";
import type { ChannelAdjudicator } from "../../typechain-types/channels/index.ts";
import { signingFor } from "./channelSigning.ts";
import { cloneCode } from "./clone.ts";
import type { ChannelSigning } from "./channelSigning.ts";
import { startLocalChain } from "./localChain.ts";
import type { ChainKind, LocalChain } from "./localChain.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const GAS = 6_000_000;
const ZERO = new Uint8Array(20);
export const UNIT = 1_000_000_000;
export const WINDOW = 1_000;

/** Test keys of the two parties, of a session key, and of a stranger: worthless on any real chain. */
export const KEY = {
  A: keccak256(toUtf8Bytes("party A")),
  B: keccak256(toUtf8Bytes("party B")),
  SESSION: keccak256(toUtf8Bytes("session key")),
  STRANGER: keccak256(toUtf8Bytes("stranger")),
} as const;

export interface SendOptions {
  readonly value?: bigint;
  readonly gas?: number;
}

/** An L1 with an adjudicator on it, two parties and a stranger with money. */
export interface ChannelScene {
  readonly provider: JsonRpcApiProvider;
  readonly adjudicator: ChannelAdjudicator;
  readonly address: string;
  readonly a: string;
  readonly b: string;
  readonly stranger: string;
  readonly session: string;
  /** Sends a call and waits for it. @throws ChainError with the contract's error in `values.contractError` */
  send(from: string, call: Promise<ContractTransaction> | ContractTransaction, options?: SendOptions): Promise<TransactionReceipt>;
  deploy(name: string, args?: readonly unknown[], from?: string): Promise<Contract>;
  /** A channel between A and B, with a salt of its own; not opened. */
  channel(config?: Partial<ChannelConfig>, keys?: readonly [string, string]): ChannelSigning;
  /** The same, opened, with these deposits in units (default 1000 and 500). */
  opened(config?: Partial<ChannelConfig>, deposits?: readonly [number, number], keys?: readonly [string, string]): Promise<ChannelSigning>;
  deposit(channel: ChannelSigning, side: Side, units: number, from?: string): Promise<TransactionReceipt>;
  checkpoint(channel: ChannelSigning, update: SignedUpdate, from?: string): Promise<TransactionReceipt>;
  challenge(channel: ChannelSigning, update?: SignedUpdate, by?: Challenger & { from?: string }): Promise<TransactionReceipt>;
  respond(channel: ChannelSigning, update: SignedUpdate, from?: string): Promise<TransactionReceipt>;
  close(channel: ChannelSigning, locks?: readonly [readonly Lock[], readonly Lock[]], from?: string): Promise<TransactionReceipt>;
  state(channel: ChannelSigning): Promise<OnChainChannel>;
  events(receipt: TransactionReceipt): ChannelChainEvent[];
  balance(address: string): Promise<bigint>;
  now(): Promise<number>;
  /** L1 time of the next block. */
  setNextTime(seconds: number): Promise<void>;
  /** Lets a block come at this time. */
  mineAt(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export function artifactOf(source: string, name: string): { abi: InterfaceAbi; bytecode: string } {
  return JSON.parse(readFileSync(join(ROOT, "artifacts", "contracts", source, `${name}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
}

/** The name of the contract's error that a call fails with; undefined if it does not. */
export async function errorOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const name = (error as { values?: { contractError?: string } }).values?.contractError;
    if (name === undefined) throw error;
    return name;
  }
}

/** Where a scene is. */
export type SceneChain = Pick<LocalChain, "kind" | "chainId" | "stop"> & { readonly provider: JsonRpcApiProvider };

/**
 * Puts the adjudicator up on a chain, by default on one in a process of its own.
 * @param isClone as the factory does it; default: alone, as on an L1 without a rollup
 */
export async function startChannelScene(where: ChainKind | SceneChain, { isClone = false } = {}): Promise<ChannelScene> {
  const chain: SceneChain = typeof where === "string" ? await startLocalChain(where) : where;
  const { kind, provider, chainId } = chain;
  const rpc = (method: string, params: unknown[] = []): Promise<unknown> => provider.send(method, params) as Promise<unknown>;
  const prefix = kind === "anvil" ? "anvil" : "hardhat";
  const addresses = Object.fromEntries(Object.entries(KEY).map(([name, key]) => [name, computeAddress(key)])) as Record<keyof typeof KEY, string>;
  for (const address of Object.values(addresses)) {
    await rpc(`${prefix}_setBalance`, [address, "0x56bc75e2d63100000"]);
    await rpc(`${prefix}_impersonateAccount`, [address]);
  }

  const receiptOf = async (hash: string): Promise<TransactionReceipt> => {
    for (let tries = 0; tries < 2_000; tries += 1) {
      const receipt = await provider.getTransactionReceipt(hash);
      if (receipt !== null) return receipt;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    throw new Error(`${hash} was not mined`);
  };

  const send: ChannelScene["send"] = async (from, call, { value = 0n, gas = GAS } = {}) => {
    const { to, data } = await call;
    const request = { from, ...(to === undefined ? {} : { to }), data, value: `0x${value.toString(16)}`, gas: `0x${gas.toString(16)}` };
    let hash: string;
    try {
      hash = (await rpc("eth_sendTransaction", [request])) as string;
    } catch (error) {
      throw toChainError(error, CHANNEL_ABIS);
    }
    const receipt = await receiptOf(hash);
    if (receipt.status === 1) return receipt;
    const trace = (await rpc("debug_traceTransaction", [hash, { tracer: "callTracer" }])) as { output?: string };
    throw decodeRevertData(trace.output ?? "0x", CHANNEL_ABIS);
  };

  const deploy: ChannelScene["deploy"] = async (name, args = [], from = addresses.STRANGER) => {
    const source = name === "ChannelAdjudicator" ? "channels" : name.endsWith("Token") ? "test/tokens" : "test/actors";
    const { abi, bytecode } = artifactOf(source, name);
    const { data } = await new ContractFactory(abi, bytecode).getDeployTransaction(...args);
    const receipt = await send(from, { data } as ContractTransaction, { gas: 15_000_000 });
    return new Contract(receipt.contractAddress!, Interface.from(abi), provider);
  };

  const implementation = await deploy("ChannelAdjudicator");
  const cloned = async (): Promise<string> => {
    const config = implementation.interface.getFunction("config")!.outputs[0]!;
    const data = cloneCode(await implementation.getAddress(), config, { bridge: ZeroAddress, exodus: ZeroAddress, asset: ZeroAddress, assetScale: 0 });
    return (await send(addresses.STRANGER, { data } as ContractTransaction)).contractAddress!;
  };
  const address = isClone ? await cloned() : await implementation.getAddress();
  const adjudicator = connectAdjudicator(address, provider);
  const domain = { chainId, adjudicator: getBytes(address) };
  let salt = 0;

  const scene: ChannelScene = {
    provider,
    adjudicator,
    address,
    a: addresses.A,
    b: addresses.B,
    stranger: addresses.STRANGER,
    session: addresses.SESSION,
    send,
    deploy,
    channel(config = {}, keys = [KEY.A, KEY.B]) {
      const full = {
        home: HOME.L1, partyA: fromHex(computeAddress(keys[0])), partyB: fromHex(computeAddress(keys[1])), asset: ZERO,
        unit: UNIT, windowSeconds: WINDOW, flags: 0, salt: (salt += 1), ...config,
      };
      return signingFor(domain, full, keys);
    },
    async opened(config = {}, deposits = [1_000, 500], keys) {
      const channel = scene.channel(config, keys);
      const struct = configStruct(channel.config);
      const value = (units: number): bigint => (channel.config.asset.every((byte) => byte === 0) ? BigInt(units) * BigInt(channel.config.unit) : 0n);
      await send(addresses.A, adjudicator.open.populateTransaction(struct, 0, deposits[0]), { value: value(deposits[0]) });
      if (deposits[1] !== 0) await send(addresses.B, adjudicator.open.populateTransaction(struct, 1, deposits[1]), { value: value(deposits[1]) });
      return channel;
    },
    deposit: ({ config }, side, units, from = addresses.STRANGER) =>
      send(from, adjudicator.deposit.populateTransaction(configStruct(config), side, units), {
        value: config.asset.every((byte) => byte === 0) ? BigInt(units) * BigInt(config.unit) : 0n,
      }),
    checkpoint: ({ config }, update, from = addresses.STRANGER) =>
      send(from, adjudicator.checkpoint.populateTransaction(configStruct(config), updateStruct(update))),
    challenge: ({ config }, update = {}, { side, grant, from } = { side: 0 }) =>
      send(from ?? (side === 0 ? addresses.A : addresses.B), adjudicator.challenge.populateTransaction(configStruct(config), updateStruct(update), side, grantStructs(grant))),
    respond: ({ config }, update, from = addresses.STRANGER) =>
      send(from, adjudicator.respond.populateTransaction(configStruct(config), updateStruct(update))),
    close: ({ config }, [locksA, locksB] = [[], []], from = addresses.STRANGER) =>
      send(from, adjudicator.close.populateTransaction(configStruct(config), lockStructs(locksA), lockStructs(locksB))),
    state: ({ id }) => readChannel(adjudicator, id),
    events: (receipt) =>
      receipt.logs.flatMap((log) => {
        const { blockNumber, ...raw } = log;
        return log.address === address ? (decodeChannelEvent({ ...raw, topics: log.topics, data: log.data, address, blockHash: log.blockHash, transactionHash: log.transactionHash, blockNumber: toHexNumber(blockNumber) }) ?? []) : [];
      }),
    balance: (of) => provider.getBalance(of),
    async now() {
      return (await provider.getBlock("latest"))!.timestamp;
    },
    async setNextTime(seconds) {
      await rpc("evm_setNextBlockTimestamp", [`0x${seconds.toString(16)}`]);
    },
    async mineAt(seconds) {
      await scene.setNextTime(seconds);
      await rpc("evm_mine");
    },
    stop: () => chain.stop(),
  };
  return scene;
}

function toHexNumber(value: number): string {
  return `0x${value.toString(16)}`;
}

