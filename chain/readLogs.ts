import type { JsonRpcApiProvider } from "ethers";

import { toChainError } from "./decodeRevert.ts";

/** A log as endpoints give it: numbers as 0x-hexadecimal text. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly transactionHash: string;
  /** Place in its block. Every endpoint gives it. */
  readonly logIndex?: string;
}

export interface LogFilter {
  readonly address: string | readonly string[];
  readonly topics: readonly (string | readonly string[])[];
  readonly fromBlock: number;
  readonly toBlock: number;
}

/**
 * Logs of a range of blocks, oldest first. Endpoints bound what they answer in ways of their own, by blocks, logs or bytes: a
 * range that one refuses is asked for in halves.
 * @throws ChainError `L1_UNREACHABLE`, and what the endpoint says of a single block
 */
export async function readLogs(provider: JsonRpcApiProvider, filter: LogFilter): Promise<RawLog[]> {
  const { fromBlock, toBlock, address, topics } = filter;
  try {
    const range = { fromBlock: `0x${fromBlock.toString(16)}`, toBlock: `0x${toBlock.toString(16)}` };
    return (await provider.send("eth_getLogs", [{ ...range, address, topics }])) as RawLog[];
  } catch (error) {
    if (fromBlock >= toBlock || toChainError(error).code === "L1_UNREACHABLE") throw error;
  }
  const middle = Math.floor((fromBlock + toBlock) / 2);
  const older = await readLogs(provider, { ...filter, toBlock: middle });
  return [...older, ...(await readLogs(provider, { ...filter, fromBlock: middle + 1 }))];
}
