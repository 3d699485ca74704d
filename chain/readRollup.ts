import { Contract } from "ethers";
import type { Provider } from "ethers";

import type { RollupFactory } from "../typechain-types/root/index.ts";
import { ChainError } from "./ChainError.ts";
import { connectContracts, connectSequencerSet } from "./connectContracts.ts";
import { loadDeployment } from "./Deployment.ts";
import type { Deployment } from "./Deployment.ts";
import { rollupFactoryAbi } from "./generated/abi/RollupFactory.ts";

/** @param runner a provider to read, a signer to send as well */
export function connectRollupFactory(address: string, runner: ConstructorParameters<typeof Contract>[2]): RollupFactory {
  return new Contract(address, rollupFactoryAbi, runner) as unknown as RollupFactory;
}

/** Which chain of a factory: who made it, and under which salt. */
export interface RollupName {
  readonly creator: string;
  readonly salt: string;
}

/**
 * The deployment of a chain as L1 itself has it, so that nobody's word is needed for it: its addresses from the factory that made it,
 * its parameters from the contracts. What the factory made has the factory's code; whether that is good code is up to who names it.
 * @param fromBlock where the factory's events begin
 * @throws ChainError `DEPLOYMENT_INVALID` when the factory has made no such chain
 */
export async function readRollup(provider: Provider, factoryAddress: string, { creator, salt }: RollupName, fromBlock = 0): Promise<Deployment> {
  const factory = connectRollupFactory(factoryAddress, provider);
  const [log] = await factory.queryFilter(factory.filters.RollupCreated(creator, salt), fromBlock);
  if (log === undefined) throw new ChainError("DEPLOYMENT_INVALID", `the factory ${factoryAddress} has made no chain for ${creator} under this salt`, { creator, salt });
  const { inbox, settlement, game, bridge, exodus, adjudicator, sequencerSet } = log.args;
  const prover = await factory.prover();
  const hasSet = !/^0x0+$/.test(sequencerSet);
  const named = { inbox, settlement, game, bridge, exodus, adjudicator, prover, factory: factoryAddress, ...(hasSet ? { sequencerSet } : {}) };
  const contracts = connectContracts({ contracts: named }, provider);
  const set = connectSequencerSet({ contracts: named }, provider);
  const [network, genesis, queue, claims, games, money, slots] = await Promise.all([
    provider.getNetwork(), provider.getBlock(0), contracts.inbox.config(), contracts.settlement.config(), contracts.game.config(), contracts.bridge.config(), set?.config(),
  ]);
  return loadDeployment({
    chainId: Number(network.chainId),
    genesisHash: genesis?.hash,
    contracts: { ...named, asset: money.asset },
    config: {
      assetScale: money.assetScale.toString(),
      feeTable: games.feeTable.map(String),
      sequencer: queue.sequencer,
      feeRecipient: queue.feeRecipient,
      inclusionDelaySeconds: Number(queue.inclusionDelaySeconds),
      epochAgeSeconds: Number(queue.epochAgeSeconds),
      windowSeconds: Number(claims.windowSeconds),
      joinSeconds: Number(claims.joinSeconds),
      bondWei: claims.bondWei.toString(),
      payoutDelaySeconds: Number(money.payoutDelaySeconds),
      ...(slots === undefined ? {} : { slotSeconds: Number(slots.slotSeconds), vacancySeconds: Number(slots.vacancySeconds), graceSeconds: Number(slots.graceSeconds), operatorBondWei: slots.operatorBondWei.toString() }),
    },
    blockNumber: log.blockNumber,
  });
}

/** Which of a factory's chains has this settlement; undefined if none has. @param fromBlock where the factory's events begin */
export async function findRollupName(provider: Provider, factoryAddress: string, settlement: string, fromBlock = 0): Promise<RollupName | undefined> {
  const factory = connectRollupFactory(factoryAddress, provider);
  const logs = await factory.queryFilter(factory.filters.RollupCreated(), fromBlock);
  const found = logs.find(({ args }) => args.settlement.toLowerCase() === settlement.toLowerCase());
  return found === undefined ? undefined : { creator: found.args.creator, salt: found.args.salt };
}

/** A deployment as the text of a deployment file. */
export function deploymentText(deployment: Deployment): string {
  return `${JSON.stringify(deployment, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2)}\n`;
}
