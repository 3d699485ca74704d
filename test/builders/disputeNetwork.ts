import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Wallet } from "ethers";

import { fromHex, toHex } from "../../core/codec/index.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { createChallenger } from "../../services/challenger/createChallenger.ts";
import type { Challenger, ChallengerOptions } from "../../services/challenger/createChallenger.ts";
import { claimState } from "./claimState.ts";
import { DisputeLiar } from "./DisputeLiar.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { ChainKind, LocalChain } from "./localChain.ts";
import { createMemoryQueue } from "./memoryQueue.ts";
import { CHAIN_TEST_CONFIG, deployRollupOn } from "./rollupOnChain.ts";
import type { RollupOnChain } from "./rollupOnChain.ts";
import { scriptFor } from "./rollupScript.ts";
import type { RollupScript } from "./rollupScript.ts";
import { until } from "./until.ts";

const ETHER = 10n ** 18n;
const DEPOSIT_UNITS = 1_000_000;
const RICH = `0x${(1_000n * ETHER).toString(16)}`;

/** Minutes for everything, so that the tests skip time and never race it. */
export const DISPUTE_TEST_CONFIG = { windowSeconds: 600, joinSeconds: 600, clockSeconds: 600, incrementSeconds: 60, parts: 4, bondWei: ETHER, gasRefundWei: ETHER / 5n, rewardCapWei: ETHER / 5n, moveBondWei: ETHER / 50n };

/** A chain on a local L1 with disputes going on. The first key deploys and claims what is true; agents 1 and 2 have the first two keys. */
export interface DisputeNetwork {
  readonly chain: LocalChain;
  readonly rollup: RollupOnChain;
  readonly script: RollupScript;
  readonly dir: string;
  /** Somebody's who looks on: knows every true root. */
  readonly replica: Replica;
  /** Money for a key that no development chain funds. */
  fund(key: string): Promise<void>;
  /** An epoch: one batch with that many transfers. Resolves when the onlooker has executed it. */
  epoch(transfers: number): Promise<number>;
  /** Claims the true root of the next epoch after the confirmed ones, by the first key. */
  claimTruth(epoch?: number, parent?: string): Promise<string>;
  trueRoot(epoch: number): string;
  liar(key: string, epoch: number, seed: number, lieAt?: number): DisputeLiar;
  /** In this process, by wake-ups in memory. */
  challenger(key: string, options?: Partial<ChallengerOptions>): Promise<Challenger>;
  /** Blocks are mined with the time that far ahead. */
  skip(seconds: number): Promise<void>;
  balanceOf(address: string): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startDisputeNetwork(kind: ChainKind, config: Partial<typeof CHAIN_TEST_CONFIG> = {}): Promise<DisputeNetwork> {
  const chain = await startLocalChain(kind);
  const rollup = await deployRollupOn(chain, { ...DISPUTE_TEST_CONFIG, ...config });
  const script = scriptFor(chain, rollup);
  const dir = mkdtempSync(join(tmpdir(), "agnt2-disputes-"));
  const { deployment, contracts } = rollup;
  const replica = await openReplica({ dir: join(dir, "onlooker"), deployment, snapshotEpochs: true, keepFrom: () => 0, onDivergence: () => undefined });
  const source: L1Source = createL1Source({ provider: chain.provider, deployment, consumer: replica, pollMs: 50, onError: () => undefined });
  source.start();
  const challengers: Challenger[] = [];
  const closing: { close(): Promise<void> }[] = [];
  let nonce = 0;
  for (const key of DEVELOPMENT_KEYS.slice(0, 2)) await script.deposit(key, DEPOSIT_UNITS);
  const network: DisputeNetwork = {
    chain, rollup, script, dir, replica,
    async fund(key) {
      await chain.send(kind === "anvil" ? "anvil_setBalance" : "hardhat_setBalance", [new Wallet(key).address, RICH]);
    },
    async epoch(transfers) {
      const epoch = Number(await contracts.inbox.epochCount());
      const records = Array.from({ length: transfers }, (_, at) => ({ op: "TRANSFER", fields: { to: 2, amount: at + 1 } }) as const);
      await script.submit(script.bundle(DEVELOPMENT_KEYS[0], 1, nonce, ...records));
      nonce += 1;
      await until(`epoch ${epoch} is derived`, () => replica.view.epochs.length > epoch && replica.batchCount >= replica.view.epochs[epoch]!.batchEnd);
      return epoch;
    },
    async claimTruth(epoch, parent) {
      const next = epoch ?? Number((await contracts.settlement.latestConfirmed()).nextEpoch);
      const { claimId, made } = await claimState(contracts, { stateRoot: network.trueRoot(next), epoch: next, ...(parent === undefined ? {} : { parent }) });
      await made.wait();
      return claimId;
    },
    trueRoot: (epoch) => toHex(replica.rootAt(replica.view.epochs[epoch]!.batchEnd)!),
    liar: (key, epoch, seed, lieAt) => new DisputeLiar({ provider: chain.provider, rollup, replica, key, epoch, seed, ...(lieAt === undefined ? {} : { lieAt }) }),
    async challenger(key, options = {}) {
      const { address } = new Wallet(key);
      const dataDir = join(dir, `challenger-${toHex(fromHex(address)).slice(2, 10)}`);
      const queue = createMemoryQueue();
      const journal = createFileIntentJournal({ path: join(dir, `${address}.journal`) });
      closing.push(queue, journal);
      const challenger = await createChallenger({
        provider: chain.provider, deployment, signer: new Wallet(key), queue, dataDir, everyMs: 100, collectEveryMs: 300,
        journal,
        logger: createLogger({ service: "challenger", level: (process.env["LOG_LEVEL"] ?? "fatal") as never, output: process.stderr }),
        transactions: { pollMs: 50 },
        ...options,
      });
      await challenger.start();
      challengers.push(challenger);
      return challenger;
    },
    async skip(seconds) {
      await chain.send("evm_increaseTime", [seconds]);
      await chain.send("evm_mine");
    },
    balanceOf: async (address) => BigInt((await chain.send("eth_getBalance", [address, "latest"])) as string),
    async stop() {
      for (const challenger of challengers) await challenger.stop();
      for (const open of closing) await open.close();
      await source.stop();
      replica.close();
      await chain.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return network;
}
