import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { getCreateAddress } from "ethers";
import hre from "hardhat";

import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { channelDomain } from "../../core/channel/index.ts";
import type { ChannelDomain } from "../../core/channel/index.ts";
import { fromHex } from "../../core/codec/index.ts";
import { packFeeTable } from "../../core/dispute/index.ts";
import parameters from "../../deploy/parameters/default.json" with { type: "json" };
import type { BisectionGame, Bridge, Inbox, Settlement, TestIdentityRegistry } from "../../typechain-types/index.ts";
import { cloneCode } from "./clone.ts";
import { startLocalChain } from "./localChain.ts";
import type { ChainKind, LocalChain } from "./localChain.ts";
import { mined } from "./mined.ts";

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";
export const FEE_RECIPIENT = "0x00000000000000000000000000000000000fee00";
const GWEI = 1_000_000_000n;

/** One way to decide the epochs of a chain: a Settlement and its game, which is played in `k` parts. */
export interface Table {
  readonly k: number;
  readonly settlement: Settlement;
  readonly game: BisectionGame;
}

export interface DisputeTerms {
  readonly windowSeconds: number;
  readonly joinSeconds: number;
  readonly clockSeconds: number;
  readonly incrementSeconds: number;
  readonly bondWei: bigint;
  readonly gasRefundWei: bigint;
  readonly rewardCapWei: bigint;
  readonly moveBondWei: bigint;
}

/** Hours as on a public chain, bonds of a few wei. */
export const SMALL_TERMS: DisputeTerms = {
  windowSeconds: 86_400, joinSeconds: 86_400, clockSeconds: 72_000, incrementSeconds: 3_600, bondWei: 3_200n, gasRefundWei: 400n, rewardCapWei: 100n, moveBondWei: 7n,
};

/** As deployed by default. */
export const DEFAULT_TERMS: DisputeTerms = {
  windowSeconds: parameters.windowSeconds, joinSeconds: parameters.joinSeconds, clockSeconds: parameters.clockSeconds, incrementSeconds: parameters.incrementSeconds,
  bondWei: BigInt(parameters.bondWei), gasRefundWei: BigInt(parameters.gasRefundWei), rewardCapWei: BigInt(parameters.rewardCapWei), moveBondWei: BigInt(parameters.moveBondWei),
};

/** Seconds until an epoch may be closed. */
export const EPOCH_AGE_SECONDS = 20_000;
export const INCLUSION_DELAY_SECONDS = 1_000_000;
/** Deployments begin here, so that every run has the same times. */
export const START_TIME = 2_000_000_000;

/** The real contracts of one chain on an L1 in memory, with a table for each number of parts. */
export interface DisputeChain {
  readonly connection: Awaited<ReturnType<typeof hre.network.create>>;
  readonly signers: readonly HardhatEthersSigner[];
  readonly inbox: Inbox;
  /** Pays by the first table. */
  readonly bridge: Bridge;
  readonly registry: TestIdentityRegistry;
  readonly tables: readonly Table[];
  /** The first signer may enqueue deposits that nobody paid; the Bridge may not. */
  readonly isMinting: boolean;
  readonly terms: DisputeTerms;
  readonly feeTable: readonly number[];
  readonly domainSeparator: Uint8Array;
  readonly channels: ChannelDomain;
  /** Where services find it, if it is a process of its own. */
  readonly provider: LocalChain["provider"] | undefined;
  readonly url: string | undefined;
  deploymentOf(table: Table): Promise<Deployment>;
  now(): Promise<number>;
  setNextTime(seconds: number): Promise<void>;
  close(): Promise<void>;
}

export interface DisputeChainOptions {
  readonly parts: readonly number[];
  readonly feeTable: readonly number[];
  readonly terms?: DisputeTerms;
  /** In a process of its own; in memory, unless given. */
  readonly node?: ChainKind;
  /** The first signer stands for the Bridge. */
  readonly isMinting?: boolean;
}

/** Deploys the shared code and one chain's clones. The first signer owns everything and plays for nobody. */
export async function createDisputeChain(options: DisputeChainOptions): Promise<DisputeChain> {
  const { parts, feeTable, terms = SMALL_TERMS, isMinting = false } = options;
  // In memory, or a process of its own.
  const node = options.node === undefined ? undefined : await startLocalChain(options.node);
  const connection = node === undefined ? await hre.network.create() : await hre.network.create({ network: "localhost", override: { url: node.url } });
  const { ethers, networkHelpers } = connection;
  let time = START_TIME;
  const tick = async (): Promise<void> => networkHelpers.time.setNextBlockTimestamp((time += 12));
  const signers = await ethers.getSigners();
  const deployer = signers[0]!;
  const deploy = async (name: string) => {
    await tick();
    return await (await ethers.deployContract(name)).waitForDeployment();
  };
  const shared = { inbox: await deploy("Inbox"), settlement: await deploy("Settlement"), game: await deploy("BisectionGame"), bridge: await deploy("Bridge") };
  const prover = await (await deploy("OneStepProver")).getAddress();
  const registry = (await deploy("TestIdentityRegistry")) as unknown as TestIdentityRegistry;
  const nonce = await deployer.getNonce();
  const addressAt = (offset: number): string => getCreateAddress({ from: deployer.address, nonce: nonce + offset });
  const [inboxAddress, bridgeAddress] = [addressAt(0), addressAt(1)];
  const clone = async (name: keyof typeof shared, values: Readonly<Record<string, unknown>>): Promise<void> => {
    await tick();
    const implementation = shared[name];
    const config = implementation.interface.getFunction("config")!.outputs[0]!;
    // Parts of a chain that play no part here stay zero.
    const complete = Object.fromEntries(config.components!.map(({ name, type }) => [name, values[name] ?? (type === "address" ? ZERO_ADDRESS : 0)]));
    await mined(deployer.sendTransaction({ data: cloneCode(await implementation.getAddress(), config, complete) }));
  };
  await clone("inbox", {
    bridge: isMinting ? deployer.address : bridgeAddress, sequencer: ZERO_ADDRESS, sequencerAuth: ZERO_ADDRESS, identityRegistry: await registry.getAddress(),
    feeRecipient: FEE_RECIPIENT, inclusionDelaySeconds: INCLUSION_DELAY_SECONDS, epochSteps: 10_000_000, epochAgeSeconds: EPOCH_AGE_SECONDS, forcedSlotFeeWei: 1_000,
  });
  await clone("bridge", { inbox: inboxAddress, settlement: addressAt(2), asset: ZERO_ADDRESS, assetScale: GWEI, payoutDelaySeconds: 10 });
  const tables: Table[] = [];
  for (const [i, k] of parts.entries()) {
    const [settlement, game] = [addressAt(2 + 2 * i), addressAt(3 + 2 * i)];
    const { bondWei, gasRefundWei, rewardCapWei, windowSeconds, joinSeconds, clockSeconds, incrementSeconds, moveBondWei } = terms;
    await clone("settlement", { inbox: inboxAddress, game, bondWei, gasRefundWei, rewardCapWei, windowSeconds, joinSeconds });
    await clone("game", { settlement, inbox: inboxAddress, prover, adjudicator: bridgeAddress, k, clockSeconds, incrementSeconds, moveBondWei, feeTable: packFeeTable(feeTable) });
    tables.push({
      k,
      settlement: (await ethers.getContractAt("Settlement", settlement)) as unknown as Settlement,
      game: (await ethers.getContractAt("BisectionGame", game)) as unknown as BisectionGame,
    });
  }
  const inbox = (await ethers.getContractAt("Inbox", inboxAddress)) as unknown as Inbox;
  return {
    connection, signers, inbox, registry, tables, isMinting, terms, feeTable,
    bridge: (await ethers.getContractAt("Bridge", bridgeAddress)) as unknown as Bridge,
    domainSeparator: fromHex(await inbox.domainSeparator()),
    channels: channelDomain({ chainId: 31337, adjudicator: fromHex(bridgeAddress, 20) }),
    provider: node?.provider,
    url: node?.url,
    deploymentOf: async ({ settlement, game }) =>
      loadDeployment({
        chainId: 31337,
        genesisHash: (await ethers.provider.getBlock(0))!.hash,
        // No service asks the Exodus or the adjudicator anything here: there are none.
        contracts: { inbox: inboxAddress, settlement: await settlement.getAddress(), game: await game.getAddress(), bridge: bridgeAddress, exodus: bridgeAddress, adjudicator: bridgeAddress, prover },
        config: { ...terms, assetScale: String(GWEI), feeTable },
        blockNumber: 0,
      }),
    now: async () => (await ethers.provider.getBlock("latest"))!.timestamp,
    setNextTime: (seconds) => networkHelpers.time.setNextBlockTimestamp(seconds),
    async close() {
      await connection.close();
      await node?.stop();
    },
  };
}
