import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { getCreateAddress } from "ethers";
import hre from "hardhat";

import type { BisectionGame, Inbox, Settlement } from "../../typechain-types/index.ts";
import { cloneCode } from "./clone.ts";
import { TEST_ADJUDICATOR } from "./TestRollup.ts";

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

/** Times and amounts that are small enough to count with. */
export const DISPUTE = { windowSeconds: 100, joinSeconds: 80, clockSeconds: 60, incrementSeconds: 5, bondWei: 3_200n, gasRefundWei: 400n, rewardCapWei: 100n, moveBondWei: 7n } as const;

/** Inbox, Settlement and BisectionGame of one chain, on an L1 in memory. */
export interface DisputeContracts {
  readonly connection: Awaited<ReturnType<typeof hre.network.create>>;
  readonly signers: readonly HardhatEthersSigner[];
  readonly inbox: Inbox;
  readonly settlement: Settlement;
  readonly game: BisectionGame;
  now(): Promise<number>;
  setNextTime(seconds: number): Promise<void>;
  /** Before every transaction of a scene: makes block times the same in every run, if the scene has a start time. */
  tick(): Promise<void>;
  /** The same with another Settlement and game over the same inbox. */
  withParts(k: number): Promise<DisputeContracts>;
}

export interface DisputeOptions {
  /** L1 time of the first block; 12 seconds a block from there on. Left out: the machine's clock. */
  readonly startTime?: number;
  /** What differs from `DISPUTE`. */
  readonly config?: Partial<Record<keyof typeof DISPUTE, number | bigint>>;
  /** `TestEpochs` stands for the Inbox, and `TestProver` for the prover: steps are made up, an epoch may have any number of them. */
  readonly hasMadeUpSteps?: boolean;
  /** Steps after which an epoch closes. Left out: every batch is an epoch. */
  readonly epochSteps?: number;
}

/** Deploys them as the factory does; the first signer stands for the bridge. */
export async function deployDisputeContracts(k: number, { startTime, config = {}, hasMadeUpSteps = false, epochSteps }: DisputeOptions = {}): Promise<DisputeContracts> {
  const connection = await hre.network.create();
  const { ethers, networkHelpers } = connection;
  let time = startTime ?? 0;
  const tick = async (): Promise<void> => {
    if (startTime !== undefined) await networkHelpers.time.setNextBlockTimestamp((time += 12));
  };
  const signers = await ethers.getSigners();
  const deployer = signers[0]!;
  const deploy = async (name: string) => {
    await tick();
    return await ethers.deployContract(name);
  };
  const implementations = { inbox: await deploy("Inbox"), settlement: await deploy("Settlement"), game: await deploy("BisectionGame") };
  const prover = await (await deploy(hasMadeUpSteps ? "TestProver" : "OneStepProver")).getAddress();
  const standIn = hasMadeUpSteps ? await (await deploy("TestEpochs")).getAddress() : undefined;
  const { windowSeconds, joinSeconds, clockSeconds, incrementSeconds, bondWei, gasRefundWei, rewardCapWei, moveBondWei } = { ...DISPUTE, ...config };
  const clone = async (name: keyof typeof implementations, values: Readonly<Record<string, unknown>>): Promise<void> => {
    const implementation = implementations[name];
    await tick();
    await deployer.sendTransaction({ data: cloneCode(await implementation.getAddress(), implementation.interface.getFunction("config")!.outputs[0]!, values) });
  };
  const nextAddress = async (offset: number): Promise<string> => getCreateAddress({ from: deployer.address, nonce: (await deployer.getNonce()) + offset });

  const inboxAddress = standIn ?? (await nextAddress(0));
  if (standIn === undefined) {
    await clone("inbox", {
      bridge: deployer.address, sequencer: ZERO_ADDRESS, sequencerAuth: ZERO_ADDRESS, identityRegistry: ZERO_ADDRESS, feeRecipient: ZERO_ADDRESS,
      inclusionDelaySeconds: 1000, epochSteps: epochSteps ?? 1_000_000, epochAgeSeconds: epochSteps === undefined ? 0 : 1_000_000, forcedSlotFeeWei: 1_000, exodus: ZERO_ADDRESS,
    });
  }
  const inbox = (await ethers.getContractAt("Inbox", inboxAddress)) as unknown as Inbox;
  const withParts = async (parts: number): Promise<DisputeContracts> => {
    const [settlementAddress, gameAddress] = [await nextAddress(0), await nextAddress(1)];
    await clone("settlement", { inbox: inboxAddress, game: gameAddress, bondWei, gasRefundWei, rewardCapWei, windowSeconds, joinSeconds });
    await clone("game", { settlement: settlementAddress, inbox: inboxAddress, prover, adjudicator: TEST_ADJUDICATOR, k: parts, clockSeconds, incrementSeconds, moveBondWei, feeTable: [0n, 0n, 0n] });
    return {
      connection,
      signers,
      inbox,
      settlement: (await ethers.getContractAt("Settlement", settlementAddress)) as unknown as Settlement,
      game: (await ethers.getContractAt("BisectionGame", gameAddress)) as unknown as BisectionGame,
      now: async () => (await ethers.provider.getBlock("latest"))!.timestamp,
      setNextTime: (seconds) => networkHelpers.time.setNextBlockTimestamp(seconds),
      tick,
      withParts,
    };
  };
  return await withParts(k);
}
