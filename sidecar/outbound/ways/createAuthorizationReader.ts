import { createPublicClient, http } from "viem";

import type { AuthorizationReader } from "./exactBuyerWay.ts";

const ABI = [
  { type: "function", name: "authorizationState", stateMutability: "view", inputs: [{ name: "authorizer", type: "address" }, { name: "nonce", type: "bytes32" }], outputs: [{ name: "", type: "bool" }] },
] as const;

/** Asks the chain whether authorizations of ERC-3009 tokens are used. @param rpcUrls by network, such as `eip155:31337` */
export function createAuthorizationReader(rpcUrls: Readonly<Record<string, string>>, timeoutMs = 10_000): AuthorizationReader {
  const clients = new Map(Object.entries(rpcUrls).map(([network, url]) => [network, createPublicClient({ transport: http(url, { timeout: timeoutMs, retryCount: 1 }) })]));
  return {
    async read(network, asset, from, nonce) {
      const client = clients.get(network);
      if (client === undefined) throw new Error(`no RPC endpoint for ${network}`);
      // The block is named, so that both answers are of one state.
      const block = await client.getBlock({ blockTag: "latest" });
      const isUsed = await client.readContract({
        address: asset as `0x${string}`, abi: ABI, functionName: "authorizationState", args: [from as `0x${string}`, nonce as `0x${string}`], blockNumber: block.number,
      });
      return { isUsed, blockTime: Number(block.timestamp) };
    },
  };
}
