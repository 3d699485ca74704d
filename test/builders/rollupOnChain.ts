import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ContractFactory, Wallet, ZeroAddress, ZeroHash, toBeHex, zeroPadValue } from "ethers";
import type { BaseContract, InterfaceAbi } from "ethers";

import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import type { RootContracts } from "../../chain/connectContracts.ts";
import { connectContracts } from "../../chain/connectContracts.ts";
import { RollupFactory__factory } from "../../typechain-types/factories/root/index.ts";
import { startDeploymentRun } from "./deploymentRun.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");
const FEE = 2n;

/** Small windows, anyone may submit, every record costs two units. */
export const CHAIN_TEST_CONFIG = {
  sequencer: ZeroAddress,
  sequencerAuth: ZeroAddress,
  identityRegistry: ZeroAddress,
  feeRecipient: new Wallet(DEVELOPMENT_KEYS[2]).address,
  asset: ZeroAddress,
  guardian: ZeroAddress,
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
  windowSeconds: 1,
  joinSeconds: 1,
  clockSeconds: 60,
  incrementSeconds: 5,
  parts: 2,
  payoutDelaySeconds: 0,
  guardianSeconds: 0,
  slotSeconds: 10,
  vacancySeconds: 30,
  graceSeconds: 2,
};

/** A rollup on a local chain, and its contracts in the hands of the first development key. */
export interface RollupOnChain {
  readonly deployment: Deployment;
  readonly contracts: RootContracts;
  readonly wallet: Wallet;
  /** The contracts in the hands of another key. */
  as(key: string): RootContracts;
}

function packFees(): bigint[] {
  let word = 0n;
  for (let entry = 0; entry < 8; entry += 1) word = (word << 32n) | FEE;
  return [word, word, word];
}

/** Deploys one of the contracts that play a part in tests. */
export async function deployActor(name: string, wallet: Wallet): Promise<BaseContract> {
  const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, "test", "actors", `${name}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
  return await (await new ContractFactory(abi, bytecode, wallet).deploy()).waitForDeployment();
}

/** Deploys the shared code and one chain. The chain must mine by itself. */
export async function deployRollupOn(chain: LocalChain, config: Partial<typeof CHAIN_TEST_CONFIG> = {}): Promise<RollupOnChain> {
  const wallet = new Wallet(DEVELOPMENT_KEYS[0], chain.provider);
  const run = await startDeploymentRun(chain, wallet.address);
  const blockNumber = await chain.provider.getBlockNumber();
  const implementations = {
    inbox: await run.deploy("root", "Inbox"), settlement: await run.deploy("root", "Settlement"), game: await run.deploy("root", "BisectionGame"), bridge: await run.deploy("root", "Bridge"),
    exodus: await run.deploy("root", "Exodus"), adjudicator: await run.deploy("channels", "ChannelAdjudicator"), sequencerSet: await run.deploy("root", "SequencerSet"),
  };
  const prover = await run.deploy("root", "OneStepProver");
  const factory = RollupFactory__factory.connect(await run.deploy("root", "RollupFactory", [implementations, prover]), wallet);
  const full = { ...CHAIN_TEST_CONFIG, ...config, feeTable: packFees() as [bigint, bigint, bigint] };
  const salt = zeroPadValue(toBeHex(1), 32);
  await run.call(await factory.getAddress(), factory.interface.encodeFunctionData("create", [full, salt]));
  await run.end();
  const { inbox, settlement, game, bridge, exodus, adjudicator, sequencerSet } = await factory.addressesOf(wallet.address, salt);
  const genesis = await chain.provider.getBlock(0);
  const deployment = loadDeployment({
    chainId: chain.chainId,
    genesisHash: genesis?.hash ?? ZeroHash,
    contracts: { inbox, settlement, game, bridge, exodus, adjudicator, prover, factory: await factory.getAddress(), ...(full.operatorBondWei > 0n ? { sequencerSet } : {}) },
    config: { ...full, assetScale: String(full.assetScale), feeTable: Array<number>(24).fill(Number(FEE)) },
    blockNumber,
  });
  return {
    deployment,
    wallet,
    contracts: connectContracts(deployment, wallet),
    as: (key) => connectContracts(deployment, new Wallet(key, chain.provider)),
  };
}
