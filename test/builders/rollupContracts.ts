import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import hre from "hardhat";

import type { BisectionGame, Bridge, ChannelAdjudicator, Exodus, Inbox, RollupFactory, SequencerSet, Settlement } from "../../typechain-types/index.ts";
import type { RollupConfigStruct } from "../../typechain-types/root/RollupFactory.ts";
import { claimState } from "./claimState.ts";
import { submitBatch } from "./submitBatch.ts";

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

/** Every batch is an epoch of its own (age 0), so that a test can confirm a state with few transactions. */
export const TEST_CONFIG: RollupConfigStruct = {
  sequencer: ZERO_ADDRESS,
  sequencerAuth: ZERO_ADDRESS,
  identityRegistry: ZERO_ADDRESS,
  feeRecipient: ZERO_ADDRESS,
  asset: ZERO_ADDRESS,
  guardian: ZERO_ADDRESS,
  assetScale: 1_000_000_000n,
  forcedSlotFeeWei: 1_000n,
  bondWei: 3_200n,
  gasRefundWei: 400n,
  rewardCapWei: 100n,
  moveBondWei: 7n,
  operatorBondWei: 0n,
  epochSteps: 1_000_000n,
  epochAgeSeconds: 0,
  inclusionDelaySeconds: 100,
  windowSeconds: 50,
  joinSeconds: 40,
  clockSeconds: 60,
  incrementSeconds: 5,
  parts: 2,
  payoutDelaySeconds: 10,
  guardianSeconds: 0,
  slotSeconds: 100,
  vacancySeconds: 1_000,
  graceSeconds: 20,
  feeTable: [0n, 0n, 0n],
};

/** The contracts of one chain, as seen by the first signer. */
export interface RollupContracts {
  readonly inbox: Inbox;
  readonly settlement: Settlement;
  readonly game: BisectionGame;
  readonly bridge: Bridge;
  readonly exodus: Exodus;
  readonly adjudicator: ChannelAdjudicator;
  /** Without code unless the chain has operators. */
  readonly sequencerSet: SequencerSet;
}

/** An L1 in memory with the shared code on it. */
export interface L1Scene {
  readonly connection: Awaited<ReturnType<typeof hre.network.create>>;
  readonly ethers: Awaited<ReturnType<typeof hre.network.create>>["ethers"];
  readonly signers: readonly HardhatEthersSigner[];
  readonly factory: RollupFactory;
  /** Puts up a chain; each has its own salt. */
  createRollup(config?: Partial<RollupConfigStruct>): Promise<RollupContracts>;
  /** L1 time of the last block. */
  now(): Promise<number>;
  /** L1 time of the next block; the transaction after it sees exactly this time. */
  setNextTime(seconds: number): Promise<void>;
  /** Submits a batch at the time of the last block and confirms `stateRoot` for its epoch. Answers the claim's id. */
  confirmState(rollup: RollupContracts, stateRoot: string): Promise<string>;
  close(): Promise<void>;
  readonly networkHelpers: Awaited<ReturnType<typeof hre.network.create>>["networkHelpers"];
}

/** Starts an L1 in memory and deploys the implementations and the factory. */
export async function createL1Scene(): Promise<L1Scene> {
  const connection = await hre.network.create();
  const { ethers, networkHelpers } = connection;
  const signers = await ethers.getSigners();
  const deploy = async (name: string): Promise<string> => (await ethers.deployContract(name)).getAddress();
  const implementations = {
    inbox: await deploy("Inbox"), settlement: await deploy("Settlement"), game: await deploy("BisectionGame"), bridge: await deploy("Bridge"),
    exodus: await deploy("Exodus"), adjudicator: await deploy("ChannelAdjudicator"), sequencerSet: await deploy("SequencerSet"),
  };
  const factory = (await ethers.deployContract("RollupFactory", [implementations, await deploy("OneStepProver")])) as unknown as RollupFactory;
  let salts = 0;

  const scene: L1Scene = {
    connection,
    ethers,
    networkHelpers,
    signers,
    factory,
    async createRollup(config = {}) {
      const salt = ethers.zeroPadValue(ethers.toBeHex(++salts), 32);
      await factory.create({ ...TEST_CONFIG, ...config }, salt);
      const addresses = await factory.addressesOf(signers[0]!.address, salt);
      return {
        inbox: (await ethers.getContractAt("Inbox", addresses.inbox)) as unknown as Inbox,
        settlement: (await ethers.getContractAt("Settlement", addresses.settlement)) as unknown as Settlement,
        game: (await ethers.getContractAt("BisectionGame", addresses.game)) as unknown as BisectionGame,
        bridge: (await ethers.getContractAt("Bridge", addresses.bridge)) as unknown as Bridge,
        exodus: (await ethers.getContractAt("Exodus", addresses.exodus)) as unknown as Exodus,
        adjudicator: (await ethers.getContractAt("ChannelAdjudicator", addresses.adjudicator)) as unknown as ChannelAdjudicator,
        sequencerSet: (await ethers.getContractAt("SequencerSet", addresses.sequencerSet)) as unknown as SequencerSet,
      };
    },
    close: () => connection.close(),
    async now() {
      return (await ethers.provider.getBlock("latest"))!.timestamp;
    },
    async setNextTime(seconds) {
      await networkHelpers.time.setNextBlockTimestamp(seconds);
    },
    async confirmState({ inbox, settlement }, stateRoot) {
      await submitBatch(inbox, await scene.now(), await inbox.entryCount(), "0x");
      const { claimId } = await claimState({ inbox, settlement }, { stateRoot });
      await networkHelpers.time.increase((await settlement.config()).windowSeconds);
      await settlement.confirm(claimId);
      return claimId;
    },
  };
  return scene;
}
