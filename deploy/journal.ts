import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { Provider } from "ethers";
import { z } from "zod";

import { DeployError } from "./DeployError.ts";

/** Which chain a journal of Ignition belongs to, written beside it before its first transaction. */
const schema = z.object({ genesisHash: z.string(), startBlock: z.number().int().nonnegative() });
export type JournalOwner = z.infer<typeof schema>;

export const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];

/** Writes a file so that a crash leaves either the old content or the new. */
export function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

async function hasCodeAtAll(directory: string, provider: Provider): Promise<boolean> {
  const file = join(directory, "deployed_addresses.json");
  if (!existsSync(file)) return true;
  // Where a chain has no operators, their contract is at the zero address.
  const addresses = Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, string>).filter((address) => BigInt(address) !== 0n);
  const codes = await Promise.all(addresses.map((address) => provider.getCode(address)));
  return codes.every((code) => code !== "0x");
}

/**
 * Makes sure that Ignition's journal in `directory` is about this very chain. A local chain that was restarted has the same id and
 * nothing on it: its old journal is removed, and `forget` removes it in any case. On other chains a journal that does not fit is refused.
 * @throws DeployError `JOURNAL_OF_ANOTHER_CHAIN`
 */
export async function prepareJournal(
  directory: string,
  chainId: number,
  provider: Provider,
  forget = false,
): Promise<JournalOwner & { isFresh: boolean }> {
  const genesis = await provider.getBlock(0);
  const genesisHash = genesis?.hash;
  if (typeof genesisHash !== "string") throw new DeployError("L1_UNREACHABLE", "the L1 does not serve its block 0");
  const ownerFile = join(directory, "chain.json");

  const isLocal = LOCAL_CHAIN_IDS.includes(chainId);
  if (existsSync(ownerFile) && !(forget && isLocal)) {
    const owner = schema.parse(JSON.parse(readFileSync(ownerFile, "utf8")));
    if (owner.genesisHash === genesisHash && (await hasCodeAtAll(directory, provider))) return { ...owner, isFresh: false };
  }
  if (existsSync(directory)) {
    if (!isLocal) {
      throw new DeployError(
        "JOURNAL_OF_ANOTHER_CHAIN",
        `${directory} is about a chain with the same id ${chainId} but another history, or its contracts are gone; move it away to deploy anew`,
      );
    }
    rmSync(directory, { recursive: true });
  }
  const owner: JournalOwner = { genesisHash, startBlock: await provider.getBlockNumber() };
  writeAtomically(ownerFile, `${JSON.stringify(owner)}\n`);
  return { ...owner, isFresh: true };
}
