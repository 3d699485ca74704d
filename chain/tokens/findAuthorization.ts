import { Interface, getAddress, zeroPadValue } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { readLogs } from "../readLogs.ts";
import type { RawLog } from "../readLogs.ts";
import type { Authorization } from "./Authorization.ts";

/** What became of an authorization, by the chain alone. */
export type AuthorizationFate =
  /** Its nonce is unused. It may still be played, if its time and the payer's balance allow it. */
  | { readonly status: "open" }
  /** Exactly this payment went to its payee. */
  | { readonly status: "paid"; readonly transaction: string; readonly blockNumber: number; readonly confirmations: number }
  /** The payer called it off. */
  | { readonly status: "cancelled"; readonly transaction: string }
  /** Its nonce went to another payment of the same payer. */
  | { readonly status: "spent"; readonly transaction: string }
  /** Its nonce is used, and the endpoint does not show by what: it lags behind itself, or has no logs so old. */
  | { readonly status: "unknown" };

export interface FindOptions {
  /** Most blocks looked through, from the head down. Default 200,000. */
  readonly maxBlocks?: number;
}

const TOKEN = new Interface([
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)",
  "event Transfer(address indexed from, address indexed to, uint256 value)",
  "function authorizationState(address authorizer, bytes32 nonce) view returns (bool)",
  "function balanceOf(address account) view returns (uint256)",
]);
const USED = TOKEN.getEvent("AuthorizationUsed")!.topicHash;
const CANCELED = TOKEN.getEvent("AuthorizationCanceled")!.topicHash;
const TRANSFER = TOKEN.getEvent("Transfer")!.topicHash;
const WINDOW_BLOCKS = 5_000;
const DEFAULT_MAX_BLOCKS = 200_000;

interface RawReceipt {
  readonly status: string;
  readonly blockNumber: string;
  readonly logs: readonly RawLog[];
}

const topicOf = (address: string): string => zeroPadValue(address.toLowerCase(), 32);
const hexOf = (number: number): string => `0x${number.toString(16)}`;

/** @param asset the token. @throws ChainError when L1 cannot be asked */
export async function isAuthorizationUsed(provider: JsonRpcApiProvider, asset: string, from: string, nonce: string): Promise<boolean> {
  const data = TOKEN.encodeFunctionData("authorizationState", [from, nonce]);
  const answer = await provider.call({ to: asset, data });
  return TOKEN.decodeFunctionResult("authorizationState", answer)[0] as boolean;
}

/** Base units. @throws ChainError when L1 cannot be asked */
export async function readBalance(provider: JsonRpcApiProvider, asset: string, account: string): Promise<bigint> {
  const answer = await provider.call({ to: asset, data: TOKEN.encodeFunctionData("balanceOf", [account]) });
  return TOKEN.decodeFunctionResult("balanceOf", answer)[0] as bigint;
}

/**
 * Whether the logs of one transaction show exactly this payment: the use of its nonce, and as the token's very next log the transfer that
 * was signed. A transfer elsewhere among the logs proves nothing: one could stand for two nonces that were spent on something else.
 */
export function showsPayment(logs: readonly RawLog[], asset: string, { from, to, value, nonce }: Authorization): boolean {
  const own = logs.filter(({ address }) => getAddress(address) === getAddress(asset));
  return own.some(({ topics }, index) => {
    if (topics[0] !== USED || topics[1] !== topicOf(from) || topics[2]?.toLowerCase() !== nonce.toLowerCase()) return false;
    const next = own[index + 1];
    if (next === undefined || next.topics[0] !== TRANSFER) return false;
    return next.topics[1] === topicOf(from) && next.topics[2] === topicOf(to) && BigInt(next.data) === value;
  });
}

/** Looks backwards, since most are young, and no further than to where the authorization could not be played yet. */
async function findLog(provider: JsonRpcApiProvider, asset: string, { from, nonce, validAfter }: Authorization, head: number, maxBlocks: number): Promise<RawLog | undefined> {
  const last = Math.max(0, head - maxBlocks);
  for (let toBlock = head; toBlock >= last; toBlock -= WINDOW_BLOCKS) {
    const fromBlock = Math.max(last, toBlock - WINDOW_BLOCKS + 1);
    const [log] = await readLogs(provider, { address: asset, topics: [[USED, CANCELED], topicOf(from), nonce], fromBlock, toBlock });
    if (log !== undefined) return log;
    const block = (await provider.send("eth_getBlockByNumber", [hexOf(fromBlock), false])) as { timestamp: string } | null;
    if (block !== null && BigInt(block.timestamp) <= validAfter) return undefined;
  }
  return undefined;
}

/**
 * What became of an authorization. Trusts L1 and the token, nobody else.
 * @throws ChainError when L1 cannot be asked
 */
export async function findAuthorization(provider: JsonRpcApiProvider, asset: string, authorization: Authorization, { maxBlocks = DEFAULT_MAX_BLOCKS }: FindOptions = {}): Promise<AuthorizationFate> {
  if (!(await isAuthorizationUsed(provider, asset, authorization.from, authorization.nonce))) return { status: "open" };
  const head = await provider.getBlockNumber();
  const log = await findLog(provider, asset, authorization, head, maxBlocks);
  if (log === undefined) return { status: "unknown" };
  const transaction = log.transactionHash;
  if (log.topics[0] === CANCELED) return { status: "cancelled", transaction };
  return await readPayment(provider, asset, authorization, transaction);
}

/**
 * What one transaction did with an authorization.
 * @returns `unknown` when it is not in the chain, failed, or does not touch the nonce
 * @throws ChainError when L1 cannot be asked
 */
export async function readPayment(provider: JsonRpcApiProvider, asset: string, authorization: Authorization, transaction: string): Promise<AuthorizationFate> {
  const receipt = (await provider.send("eth_getTransactionReceipt", [transaction])) as RawReceipt | null;
  if (receipt === null || BigInt(receipt.status) !== 1n) return { status: "unknown" };
  const blockNumber = Number(receipt.blockNumber);
  if (showsPayment(receipt.logs, asset, authorization)) {
    const confirmations = Math.max(1, (await provider.getBlockNumber()) - blockNumber + 1);
    return { status: "paid", transaction, blockNumber, confirmations };
  }
  const isAboutIt = ({ address, topics }: RawLog): boolean => getAddress(address) === getAddress(asset) && topics[1] === topicOf(authorization.from) && topics[2]?.toLowerCase() === authorization.nonce.toLowerCase();
  const about = receipt.logs.filter(isAboutIt);
  if (about.some(({ topics }) => topics[0] === USED)) return { status: "spent", transaction };
  return about.some(({ topics }) => topics[0] === CANCELED) ? { status: "cancelled", transaction } : { status: "unknown" };
}
