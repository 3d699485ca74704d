import { hexlify, parseEther, randomBytes, Wallet } from "ethers";

import { connectRollupFactory, deploymentText, readRollup } from "../../chain/readRollup.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import type { RollupConfigStruct } from "../../typechain-types/root/RollupFactory.ts";
import type { LocalNetwork } from "./LocalNetwork.ts";
import type { Character } from "./Story.ts";

const OPERATOR_BOND_WEI = parseEther("1");

/** A chain of its own on the same L1, with a set of operators that nobody has joined. */
export interface StrandedChain {
  readonly deployment: Deployment;
  /** As clients are given it. */
  readonly file: unknown;
  readonly transactionHash: string;
}

/** Somebody puts up a chain: one transaction, and short times as all local chains have. */
export async function launchChain({ deployment: { contracts, config }, provider }: LocalNetwork, owner: Character): Promise<StrandedChain> {
  const wallet = new Wallet(owner.key, provider);
  const factory = connectRollupFactory(contracts["factory"]!, wallet);
  const salt = hexlify(randomBytes(32));
  const parameters = {
    ...(config as unknown as RollupConfigStruct),
    sequencer: wallet.address, feeTable: [0n, 0n, 0n] as [bigint, bigint, bigint], operatorBondWei: OPERATOR_BOND_WEI,
    slotSeconds: 2, graceSeconds: 1, vacancySeconds: 60, epochAgeSeconds: 1, windowSeconds: 3, joinSeconds: 3,
  };
  const sent = await factory.create(parameters, salt);
  await sent.wait();
  const deployment = await readRollup(provider, contracts["factory"]!, { creator: wallet.address, salt });
  return { deployment, file: JSON.parse(deploymentText(deployment)), transactionHash: sent.hash };
}
