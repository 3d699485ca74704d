import { readFileSync } from "node:fs";
import { join } from "node:path";

import { AbiCoder, getCreateAddress, ParamType, toQuantity } from "ethers";

import type { LocalChain } from "./localChain.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");
/** Enough for the largest contract, and what a transaction may have at most is more. */
const GAS = 12_000_000;

interface Artifact {
  readonly abi: readonly { readonly type: string; readonly inputs?: readonly { readonly type: string }[] }[];
  readonly bytecode: string;
}

/** Transactions of one development account on a local chain that mines by itself. */
export interface DeploymentRun {
  /** Sends a contract's code; answers the address that it gets. */
  deploy(area: string, name: string, args?: readonly unknown[]): Promise<string>;
  call(to: string, data: string): Promise<void>;
  /** Resolves when all that was sent has been mined. Throws when something failed. */
  end(): Promise<void>;
}

/**
 * Sends one transaction after the other, and asks for their receipts at the end only: asking in between, for gas, fees and signatures too,
 * takes several times as long as the transactions.
 */
export async function startDeploymentRun(chain: LocalChain, from: string): Promise<DeploymentRun> {
  let nonce = await chain.provider.getTransactionCount(from, "pending");
  const sent: { what: string; hash: string }[] = [];
  const send = async (what: string, fields: { to?: string; data: string }): Promise<void> => {
    const hash = await chain.send("eth_sendTransaction", [{ from, nonce: toQuantity(nonce++), gas: toQuantity(GAS), ...fields }]);
    sent.push({ what, hash: String(hash) });
  };
  return {
    async deploy(area, name, args = []) {
      const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, area, `${name}.sol`, `${name}.json`), "utf8")) as Artifact;
      const inputs = abi.find(({ type }) => type === "constructor")?.inputs ?? [];
      const encoded = AbiCoder.defaultAbiCoder().encode(inputs.map((input) => ParamType.from(input)), args);
      const address = getCreateAddress({ from, nonce });
      await send(name, { data: `${bytecode}${encoded.slice(2)}` });
      return address;
    },
    call: (to, data) => send(`call of ${to}`, { to, data }),
    async end() {
      for (const { what, hash } of sent.splice(0)) {
        const receipt = await chain.provider.waitForTransaction(hash);
        if (receipt?.status !== 1) throw new Error(`${what} failed on the local chain (${hash})`);
      }
    },
  };
}
