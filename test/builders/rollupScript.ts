import { Wallet, hexlify } from "ethers";

import { domainSeparator, fromHex } from "../../core/codec/index.ts";
import type { LocalChain } from "./localChain.ts";
import type { RollupOnChain } from "./rollupOnChain.ts";
import { claimState } from "./claimState.ts";
import { signedBundle } from "./signedBundle.ts";
import type { BundleRecord } from "./signedBundle.ts";
import { submitBatch } from "./submitBatch.ts";

/** What a test tells a rollup to do, one line each: deposits, batches, claims. */
export interface RollupScript {
  readonly domain: Uint8Array;
  /** Deposits to the address of a key. */
  deposit(key: string, units: number): Promise<void>;
  /** Submits slots as a batch that consumes the whole queue. */
  submit(data?: Uint8Array): Promise<void>;
  bundle(key: string, agent: number, nonce: number, ...records: readonly BundleRecord[]): Uint8Array;
  /** Claims a root for the next epoch. Returns the claim's id. */
  claim(stateRoot: string): Promise<string>;
  /** Confirms a claim after its window, which the chain's clock skips. */
  confirm(claimId: string): Promise<void>;
}

export function scriptFor(chain: LocalChain, rollup: RollupOnChain): RollupScript {
  const { inbox, settlement, bridge } = rollup.contracts;
  const { assetScale } = rollup.deployment.config;
  const domain = domainSeparator({ chainId: chain.chainId, inbox: fromHex(rollup.deployment.contracts.inbox) });
  return {
    domain,
    async deposit(key, units) {
      const amount = BigInt(units) * assetScale;
      await (await bridge.deposit(new Wallet(key).address, amount, { value: amount })).wait();
    },
    async submit(data = new Uint8Array()) {
      const time = (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
      await (await submitBatch(inbox, time, await inbox.entryCount(), hexlify(data))).wait();
    },
    bundle: (key, agent, nonce, ...records) => signedBundle({ domainSeparator: domain, key, agent, nonce, records }),
    async claim(stateRoot) {
      const { claimId, made } = await claimState(rollup.contracts, { stateRoot });
      await made.wait();
      return claimId;
    },
    async confirm(claimId) {
      await chain.send("evm_increaseTime", [10]);
      await (await settlement.confirm(claimId)).wait();
    },
  };
}
