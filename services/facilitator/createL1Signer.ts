import { toFacilitatorEvmSigner } from "@x402/evm";
import type { FacilitatorEvmSigner } from "@x402/evm";
import type { JsonRpcApiProvider } from "ethers";
import { createPublicClient, custom } from "viem";

import { toChainError } from "../../chain/decodeRevert.ts";

/** What the x402 packages read a chain by, and whether the chain could be read: they take an outage for a bad payment. */
export interface L1Signer {
  readonly signer: FacilitatorEvmSigner;
  /** Whether an answer was missing. */
  readonly hasFailed: () => boolean;
}

/** 2,000,000: enough for any token, and not for a contract that wants to keep the endpoint busy with its signature. */
const CALL_GAS = "0x1e8480";
const sendsNothing = (): Promise<never> => Promise.reject(new Error("transactions go by the journal"));

/** Reads through the endpoints of `provider`; sends nothing. One for each payment that is looked at. */
export function createL1Signer(provider: JsonRpcApiProvider, address: string): L1Signer {
  let hasFailed = false;
  const request = async ({ method, params }: { method: string; params?: unknown }): Promise<unknown> => {
    const given = (params ?? []) as unknown[];
    try {
      return await provider.send(method, method === "eth_call" ? [{ ...(given[0] as object), gas: CALL_GAS }, ...given.slice(1)] : given);
    } catch (error) {
      if (toChainError(error).code !== "L1_REVERT") hasFailed = true;
      throw error;
    }
  };
  const client = createPublicClient({ transport: custom({ request }, { retryCount: 0 }), cacheTime: 0 });
  const signer = toFacilitatorEvmSigner({
    address: address as `0x${string}`,
    getCode: (args) => client.getCode(args),
    readContract: (args) => client.readContract(args as never),
    verifyTypedData: (args) => client.verifyTypedData(args as never),
    writeContract: sendsNothing,
    sendTransaction: sendsNothing,
    waitForTransactionReceipt: sendsNothing,
  });
  return { signer, hasFailed: () => hasFailed };
}
