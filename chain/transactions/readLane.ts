import type { JsonRpcApiProvider } from "ethers";

import type { LaneView, ReceiptView } from "./decideLane.ts";
import type { IntentState } from "./reduceJournal.ts";

interface RawReceipt {
  readonly transactionHash: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly status: string;
  readonly gasUsed: string;
}

interface RawBlock {
  readonly number: string;
  readonly hash: string;
  readonly baseFeePerGas?: string;
}

/**
 * Reads what one turn needs of the chain; undefined when the chain was reorganised meanwhile, which would make a nonce look
 * used and its transaction gone. The nonce is that of the head block, which is still canonical when all else has been read:
 * a transaction below that nonce then has a receipt, or is not ours.
 */
export async function readLane(
  provider: JsonRpcApiProvider,
  address: string,
  active: readonly IntentState[],
): Promise<(LaneView & { readonly headHash: string }) | undefined> {
  const blockAt = (tag: string): Promise<RawBlock | null> => provider.send("eth_getBlockByNumber", [tag, false]) as Promise<RawBlock | null>;
  const count = async (tag: string): Promise<number> =>
    Number((await provider.send("eth_getTransactionCount", [address, tag])) as string);
  const head = await blockAt("latest");
  if (head === null) return undefined;
  const latestNonce = await count(head.number);
  const pendingNonce = await count("pending");
  const unmined = active.filter((state) => state.mined === undefined && state.outcome === undefined);
  const receipts = await readReceipts(provider, unmined);
  const unknownHashes = await readUnknown(provider, unmined, receipts);
  const lostIds = await readLost(provider, active);
  if ((await blockAt(head.number))?.hash !== head.hash) return undefined;
  return {
    headNumber: Number(head.number),
    headHash: head.hash,
    baseFeeWei: BigInt(head.baseFeePerGas ?? "0x0"),
    latestNonce,
    pendingNonce,
    receipts,
    unknownHashes,
    lostIds,
  };
}

async function readReceipts(
  provider: JsonRpcApiProvider,
  unmined: readonly IntentState[],
): Promise<Map<string, ReceiptView>> {
  const hashes = unmined.flatMap((state) => state.attempts.map((attempt) => attempt.hash));
  const answers = await Promise.all(
    hashes.map((hash) => provider.send("eth_getTransactionReceipt", [hash]) as Promise<RawReceipt | null>),
  );
  const receipts = new Map<string, ReceiptView>();
  for (const answer of answers) {
    if (answer === null) continue;
    receipts.set(answer.transactionHash, {
      hash: answer.transactionHash,
      blockNumber: Number(answer.blockNumber),
      blockHash: answer.blockHash,
      isSuccess: BigInt(answer.status) === 1n,
      gasUsed: BigInt(answer.gasUsed),
    });
  }
  return receipts;
}

async function readUnknown(
  provider: JsonRpcApiProvider,
  unmined: readonly IntentState[],
  receipts: ReadonlyMap<string, ReceiptView>,
): Promise<Set<string>> {
  const newest = unmined
    .filter((state) => state.nonce !== undefined)
    .map((state) => state.attempts.at(-1)?.hash)
    .filter((hash): hash is string => hash !== undefined && !receipts.has(hash));
  const known = await Promise.all(newest.map((hash) => provider.send("eth_getTransactionByHash", [hash])));
  return new Set(newest.filter((_, index) => known[index] === null));
}

/** A block is canonical when all below it are, so the newest mined one usually answers for all with one call. */
async function readLost(provider: JsonRpcApiProvider, active: readonly IntentState[]): Promise<Set<string>> {
  const lost = new Set<string>();
  const mined = active.flatMap((state) => (state.mined === undefined ? [] : [{ id: state.intent.id, at: state.mined }]));
  mined.sort((a, b) => b.at.blockNumber - a.at.blockNumber);
  let checked: { number: number; hash: string | undefined } | undefined;
  for (const { id, at } of mined) {
    if (checked?.number !== at.blockNumber) {
      const tag = `0x${at.blockNumber.toString(16)}`;
      const block = (await provider.send("eth_getBlockByNumber", [tag, false])) as RawBlock | null;
      checked = { number: at.blockNumber, hash: block?.hash };
    }
    if (checked.hash === at.blockHash) break;
    lost.add(id);
  }
  return lost;
}
