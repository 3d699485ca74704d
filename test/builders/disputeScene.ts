import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { getBytes, getCreateAddress, hexlify, keccak256, toUtf8Bytes } from "ethers";
import hre from "hardhat";

import { fromHex, toHex } from "../../core/codec/index.ts";
import { recordStep } from "../../core/dispute/index.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import type { BisectionGame, Inbox, Settlement } from "../../typechain-types/index.ts";
import { cloneCode } from "./clone.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import { concatBytes, signedBundle } from "./signedBundle.ts";
import { submitBatch } from "./submitBatch.ts";

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";
const NO_FEES = new Array<number>(24).fill(0);

export const DISPUTE = { windowSeconds: 100, joinSeconds: 80, clockSeconds: 60, incrementSeconds: 5, bondWei: 3_200n, gasRefundWei: 400n, rewardCapWei: 100n, moveBondWei: 7n } as const;

/** Inbox, Settlement and BisectionGame of one chain, with one closed epoch and its true trace. */
export interface DisputeScene {
  readonly connection: Awaited<ReturnType<typeof hre.network.create>>;
  readonly signers: readonly HardhatEthersSigner[];
  readonly inbox: Inbox;
  readonly settlement: Settlement;
  readonly game: BisectionGame;
  /** True roots after 0, 1, … steps of the epoch, padding included. */
  readonly roots: readonly string[];
  readonly steps: readonly RecordedStep[];
  readonly parent: string;
  readonly accumulator: string;
  now(): Promise<number>;
  setNextTime(seconds: number): Promise<void>;
}

/** A trace that is true before `from` steps and made up from there on. */
export function lyingRoots(roots: readonly string[], from: number, seed = "lie"): string[] {
  return roots.map((root, step) => (step < from ? root : keccak256(toUtf8Bytes(`${seed} ${step}`))));
}

export interface DisputeOptions {
  /** Slots of garbage behind the bundle: two steps each, so that a trace can be longer. */
  readonly garbageSlots?: number;
  /** L1 time of the first block; 12 seconds a block from there on. Left out: the machine's clock. */
  readonly startTime?: number;
}

export async function createDisputeScene(k: number, { garbageSlots = 0, startTime }: DisputeOptions = {}): Promise<DisputeScene> {
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
  const prover = await (await deploy("OneStepProver")).getAddress();
  const nonce = await deployer.getNonce();
  const addressAt = (offset: number): string => getCreateAddress({ from: deployer.address, nonce: nonce + offset });
  const [inboxAddress, settlementAddress, gameAddress] = [addressAt(0), addressAt(1), addressAt(2)];
  const configs = {
    inbox: {
      bridge: deployer.address, sequencer: ZERO_ADDRESS, sequencerAuth: ZERO_ADDRESS, identityRegistry: ZERO_ADDRESS, feeRecipient: ZERO_ADDRESS,
      inclusionDelaySeconds: 1000, epochSteps: 1_000_000, epochAgeSeconds: 0, forcedSlotFeeWei: 1_000, exodus: ZERO_ADDRESS,
    },
    settlement: {
      inbox: inboxAddress, game: gameAddress, bondWei: DISPUTE.bondWei, gasRefundWei: DISPUTE.gasRefundWei, rewardCapWei: DISPUTE.rewardCapWei,
      windowSeconds: DISPUTE.windowSeconds, joinSeconds: DISPUTE.joinSeconds,
    },
    game: {
      settlement: settlementAddress, inbox: inboxAddress, prover, k, clockSeconds: DISPUTE.clockSeconds, incrementSeconds: DISPUTE.incrementSeconds,
      moveBondWei: DISPUTE.moveBondWei, feeTable: [0n, 0n, 0n],
    },
  };
  for (const name of ["inbox", "settlement", "game"] as const) {
    const implementation = implementations[name];
    const config = implementation.interface.getFunction("config")!.outputs[0]!;
    await tick();
    await deployer.sendTransaction({ data: cloneCode(await implementation.getAddress(), config, configs[name]) });
  }
  const inbox = (await ethers.getContractAt("Inbox", inboxAddress)) as unknown as Inbox;
  const settlement = (await ethers.getContractAt("Settlement", settlementAddress)) as unknown as Settlement;
  const game = (await ethers.getContractAt("BisectionGame", gameAddress)) as unknown as BisectionGame;
  const now = async (): Promise<number> => (await ethers.provider.getBlock("latest"))!.timestamp;

  // The first signer stands for the bridge: a deposit of 1,000 units, and a withdrawal of 400 of them.
  await tick();
  await inbox.enqueueDeposit(deployer.address, deployer.address, 1_000);
  const domainSeparator = fromHex(await inbox.domainSeparator());
  const records = [{ op: "WITHDRAW", fields: { recipient: getBytes(`0x${"f1".repeat(20)}`), amount: 400 } } as const];
  const bundle = signedBundle({ domainSeparator, key: DEVELOPMENT_KEYS[0], agent: 1, nonce: 0, records });
  const data = concatBytes(bundle, new Uint8Array(garbageSlots * SLOT_BYTES).fill(7));
  await tick();
  await submitBatch(inbox, await now(), 1, hexlify(data));

  const queued = (await inbox.queryFilter(inbox.filters.EntryQueued()))[0]!.args;
  const header = (await inbox.queryFilter(inbox.filters.BatchSubmitted()))[0]!.args;
  const entry = {
    kind: Number(queued.kind), sender: fromHex(queued.sender), account: fromHex(queued.account), value: Number(queued.value), slots: 0,
    dataRoot: fromHex(queued.dataRoot), dueTime: Number(queued.dueTime), data: new Uint8Array(),
  };
  const batch = { l2Time: Number(header.l2Time), queueEnd: Number(header.queueEnd), slots: Number(header.slots), dataRoot: fromHex(header.dataRoot), data };
  const machine = new Machine(createState(), { domainSeparator, feeTable: NO_FEES });
  const tree = createStateTree();
  const steps: RecordedStep[] = [];
  const length = Number(await inbox.epochTrace(0));
  for (let step = 0; step < length; step += 1) steps.push(recordStep(machine, tree, 1, { batch: () => batch, entry: () => entry }));
  return {
    connection, signers, inbox, settlement, game, steps, now,
    roots: [toHex(steps[0]!.preRoot), ...steps.map(({ postRoot }) => toHex(postRoot))],
    parent: await settlement.genesisClaim(),
    accumulator: await inbox.epochAccumulator(0),
    setNextTime: (seconds) => networkHelpers.time.setNextBlockTimestamp(seconds),
  };
}
