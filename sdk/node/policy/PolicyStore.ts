import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { lockDataDir } from "../../../runtime/files/lockDataDir.ts";
import type { DataDirLock } from "../../../runtime/files/lockDataDir.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { BidBook } from "../bounties/BidBook.ts";
import { PolicyError } from "./PolicyError.ts";

const memorySchema = z.strictObject({
  version: z.literal(1),
  account: z.string(),
  /** Its agent, once it is registered. */
  agentId: z.string().optional(),
  /** URI that the agent was, or is being, registered with. */
  agentUri: z.string().optional(),
  /** By bounty: unix seconds of the last claim. */
  claimedAt: z.record(z.string(), z.number()).default({}),
  /** Bounties that it was hired for, by id: what has to be cleaned up after. */
  hiredFor: z.array(z.number()).default([]),
  /** A patron's bounty: from which block on it may have been posted, and its id once that is known. */
  posting: z.strictObject({ fromBlock: z.number(), bounty: z.number().optional() }).optional(),
});

/** What an agent remembers besides what the chain says. */
export type PolicyMemory = z.infer<typeof memorySchema>;

/** The memory of one agent in a folder of its own, written before anything is sent. One process at a time has it. */
export class PolicyStore {
  readonly dir: string;
  readonly bids: BidBook;
  readonly #lock: DataDirLock;
  #memory: PolicyMemory;

  private constructor(dir: string, lock: DataDirLock, bids: BidBook, memory: PolicyMemory) {
    [this.dir, this.#lock, this.bids, this.#memory] = [dir, lock, bids, memory];
  }

  /**
   * @param account whose memory it is: another key would take over bids that it cannot reveal
   * @throws FilesError `files/locked`; PolicyError `policy/stateDamaged`, `policy/otherAccount`
   */
  static async open(dir: string, account: string): Promise<PolicyStore> {
    const lock = lockDataDir(dir, "agent.lock");
    try {
      const file = join(dir, "agent.json");
      const memory = (await readMemory(file)) ?? { version: 1 as const, account, claimedAt: {}, hiredFor: [] };
      if (memory.account !== account) {
        throw new PolicyError("policy/otherAccount", { file, account: memory.account, expected: account }, "stop", { what: `The folder ${dir} belongs to the account ${memory.account}, not to ${account}`, todo: "Name the key that it was begun with, or another folder" });
      }
      return new PolicyStore(dir, lock, await BidBook.open(join(dir, "bids.json")), memory);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get memory(): PolicyMemory {
    return this.#memory;
  }

  /** On disk when it resolves. */
  async remember(change: Partial<Omit<PolicyMemory, "version" | "account">>): Promise<void> {
    const memory = { ...this.#memory, ...change };
    await writeFileAtomic(join(this.dir, "agent.json"), `${JSON.stringify(memory, null, 2)}\n`, 0o600);
    this.#memory = memory;
  }

  close(): void {
    this.#lock.release();
  }
}

async function readMemory(file: string): Promise<PolicyMemory | undefined> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new PolicyError("policy/stateDamaged", { file }, "stop", { what: `The agent's memory ${file} cannot be read: ${why}`, todo: "Restore it, or begin with an empty folder and withdraw old bids by hand" }, { cause: error });
  }
}
