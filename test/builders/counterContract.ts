import { Wallet } from "ethers";

import type { LocalChain } from "./localChain.ts";

/** Counts its calls in slot 0, and reverts when called with exactly one byte: effects that a test can count. */
const COUNTER_INIT_CODE = "0x60178060095f395ff33660011460115760005460010160005500" + "5b60006000fd";

export interface Counter {
  readonly address: string;
  count(): Promise<number>;
}

export async function deployCounter(chain: LocalChain, key: string): Promise<Counter> {
  const wallet = new Wallet(key, chain.provider);
  const response = await wallet.sendTransaction({ data: COUNTER_INIT_CODE, gasLimit: 200_000n });
  await chain.send(chain.kind === "anvil" ? "anvil_mine" : "hardhat_mine", ["0x1"]);
  const receipt = await chain.provider.getTransactionReceipt(response.hash);
  const address = receipt?.contractAddress;
  if (address === null || address === undefined) throw new Error("the counter was not deployed");
  return {
    address,
    count: async () => Number((await chain.send("eth_getStorageAt", [address, "0x0", "latest"])) as string),
  };
}
