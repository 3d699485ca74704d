import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";
import { connectToL1 } from "./connectToL1.ts";
import { REGISTRIES, deployEconomy, deployRegistries, economyConfigOf } from "./deployEconomy.ts";
import type { Deployer } from "./deployEconomy.ts";
import { LOCAL_CHAIN_IDS, prepareJournal, writeAtomically } from "./journal.ts";
import { feesOf, loadParameters, packFees } from "./parameters.ts";
import type { RollupParameters } from "./parameters.ts";
import { RollupModule } from "./RollupModule.ts";
import { TestDollarModule, TestTokenModule } from "./TestContractsModule.ts";
import { TowerBondModule } from "./TowerBondModule.ts";

const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";
const ZERO_SALT = `0x${"0".repeat(64)}`;
const LOCAL_POLLING_MS = 50;
const PUBLIC_POLLING_MS = 1_000;
const PUBLIC_CONFIRMATIONS = 3;
const MINUTE_MS = 60_000;
/** What is told at the end; the file has everything. */
const PRINTED = {
  Chain: ["inbox", "settlement", "bridge"],
  Agents: [...REGISTRIES, "proofOfService"],
  Economy: ["jobEscrow", "bountyBoard", "batchMeter", "uptimeMeter", "validatorMeter", "codeVerifier", "testDollar"],
} as const;

export interface DeployOptions {
  /** Network of the Hardhat configuration; default: the one of `--network`. */
  readonly network?: string;
  /** Tells several chains on one L1 apart: a journal and a file `deployments/<name>-<chainId>.json` of its own. */
  readonly name?: string;
  /** A parameter file instead of `deploy/parameters/<network>.json`. */
  readonly parametersFile?: string;
  /** Parameters that win over those of the file. */
  readonly parameters?: Partial<RollupParameters>;
  /** Local chains only: deploy anew although the chain has contracts of an earlier run. */
  readonly reset?: boolean;
  /** Where `<chainId>.json` goes; default `deployments/` of the project. */
  readonly outputDirectory?: string;
  /** Tells of progress, in plain words. */
  readonly log?: (line: string) => void;
}

/** The content of `deployments/<chainId>.json`. Amounts are strings of base units, fees are units, times are seconds. */
export interface DeploymentFile {
  readonly chainId: number;
  readonly genesisHash: string;
  readonly contracts: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string | number | readonly number[]>>;
  /** Nothing of the chain is in an earlier L1 block. */
  readonly blockNumber: number;
}

function deploymentFailed(error: unknown): DeployError {
  const text = error instanceof Error ? error.message : String(error);
  if (/reconcil|has been changed|changed since/i.test(text)) {
    const advice = "restore the parameters and the code of the first run, or put up a second chain with --name NAME (on a local chain: --reset)";
    return new DeployError("PARAMETERS_CHANGED", `the journal has another plan than this one; ${advice}\n${text}`, { cause: error });
  }
  return new DeployError("DEPLOYMENT_FAILED", `${text}\nThe same command resumes where this one stopped.`, { cause: error });
}

/**
 * Puts a chain up on an L1, or finishes what an earlier run began, and writes its addresses to `deployments/<chainId>.json`.
 * A second run with the same parameters sends nothing.
 * @throws DeployError with a code for each reason
 */
export async function deployRollup(hre: HardhatRuntimeEnvironment, options: DeployOptions = {}): Promise<DeploymentFile> {
  const log = options.log ?? (() => undefined);
  const { connection, provider, chainId, deployer } = await connectToL1(hre, options.network);
  const parameters = loadParameters(connection.networkName, options.parametersFile, options.parameters);
  if (parameters.chainIds !== undefined && !parameters.chainIds.includes(chainId)) {
    throw new DeployError("WRONG_CHAIN", `network ${connection.networkName} has chain id ${chainId}, the parameters are for ${parameters.chainIds.join(", ")}`);
  }

  if (options.name !== undefined && !/^[a-z][a-z0-9-]{0,30}$/.test(options.name)) {
    throw new DeployError("PARAMETERS_INVALID", `the name ${options.name} is not made of lower-case letters, digits and dashes`);
  }

  const isLocal = LOCAL_CHAIN_IDS.includes(chainId);
  const deploymentId = `${options.name ?? "chain"}-${chainId}`;
  const journal =
    connection.networkConfig.type === "edr-simulated"
      ? { genesisHash: (await provider.getBlock(0))?.hash ?? "", startBlock: await provider.getBlockNumber(), isFresh: true }
      : await prepareJournal(join(hre.config.paths.ignition, "deployments", deploymentId), chainId, provider, options.reset);
  log(`Deploying to chain ${chainId} as ${deployer}${journal.isFresh ? "" : ", resuming the journal"}.`);

  const ignition = {
    deploymentId,
    defaultSender: deployer,
    // The configuration file's Ignition settings do not reach a deployment that is started from a program.
    config: isLocal
      ? { requiredConfirmations: 1, blockPollingInterval: LOCAL_POLLING_MS, retryInterval: LOCAL_POLLING_MS, disableFeeBumping: true }
      : { requiredConfirmations: PUBLIC_CONFIRMATIONS, blockPollingInterval: PUBLIC_POLLING_MS, timeBeforeBumpingFees: 3 * MINUTE_MS, maxFeeBumps: 4 },
  };
  try {
    const named = (choice: string, none: string): string => (choice === none ? ZERO_ADDRESS : choice === "deployer" ? deployer : choice);
    let asset = named(parameters.asset, "ETH");
    if (asset === "test") asset = await (await connection.ignition.deploy(TestTokenModule, ignition)).token.getAddress();
    const paying: Deployer = { ignition: connection.ignition, options: ignition, provider, address: deployer };
    const registries = await deployRegistries(paying, parameters);

    const fees = feesOf(parameters);
    const config = {
      sequencer: named(parameters.sequencer, "anyone"),
      sequencerAuth: ZERO_ADDRESS,
      identityRegistry: registries["identityRegistry"] ?? ZERO_ADDRESS,
      feeRecipient: named(parameters.feeRecipient, "none"),
      asset,
      guardian: named(parameters.guardian, "none"),
      assetScale: BigInt(parameters.assetScale),
      forcedSlotFeeWei: BigInt(parameters.forcedSlotFeeWei),
      bondWei: BigInt(parameters.bondWei),
      gasRefundWei: BigInt(parameters.gasRefundWei),
      rewardCapWei: BigInt(parameters.rewardCapWei),
      moveBondWei: BigInt(parameters.moveBondWei),
      operatorBondWei: BigInt(parameters.operatorBondWei),
      epochSteps: BigInt(parameters.epochSteps),
      epochAgeSeconds: parameters.epochAgeSeconds,
      inclusionDelaySeconds: parameters.inclusionDelaySeconds,
      windowSeconds: parameters.windowSeconds,
      joinSeconds: parameters.joinSeconds,
      clockSeconds: parameters.clockSeconds,
      incrementSeconds: parameters.incrementSeconds,
      parts: parameters.parts,
      payoutDelaySeconds: parameters.payoutDelaySeconds,
      guardianSeconds: parameters.guardianSeconds,
      slotSeconds: parameters.slotSeconds,
      vacancySeconds: parameters.vacancySeconds,
      graceSeconds: parameters.graceSeconds,
      feeTable: packFees(fees),
    };
    const deployed = await connection.ignition.deploy(RollupModule, { ...ignition, parameters: { Rollup: { config, salt: ZERO_SALT } } });

    const contracts: Record<string, string> = {};
    for (const [name, contract] of Object.entries(deployed)) {
      const address = await contract.getAddress();
      if (address !== ZERO_ADDRESS) contracts[name] = address;
    }
    const { towerBond } = await connection.ignition.deploy(TowerBondModule, { ...ignition, parameters: { TowerBond: { adjudicator: contracts["adjudicator"]! } } });
    contracts["towerBond"] = await towerBond.getAddress();
    if (asset !== ZERO_ADDRESS) contracts["asset"] = asset;
    Object.assign(contracts, registries);
    const economy = economyConfigOf(parameters, deployer);
    if (parameters.economy === "deploy") Object.assign(contracts, await deployEconomy(paying, economy, contracts));
    if (parameters.testDollar === "deploy") {
      const { dollar } = await connection.ignition.deploy(TestDollarModule, ignition);
      contracts["testDollar"] = await dollar.getAddress();
    }
    const file: DeploymentFile = {
      chainId,
      genesisHash: journal.genesisHash,
      contracts,
      config: {
        ...config,
        assetScale: parameters.assetScale,
        forcedSlotFeeWei: parameters.forcedSlotFeeWei,
        bondWei: parameters.bondWei,
        gasRefundWei: parameters.gasRefundWei,
        rewardCapWei: parameters.rewardCapWei,
        moveBondWei: parameters.moveBondWei,
        operatorBondWei: parameters.operatorBondWei,
        epochSteps: parameters.epochSteps,
        feeTable: fees,
        ...(registries["identityRegistry"] === undefined ? {} : economy),
      },
      blockNumber: journal.startBlock,
    };
    const path = join(options.outputDirectory ?? join(hre.config.paths.root, "deployments"), `${options.name === undefined ? "" : `${options.name}-`}${chainId}.json`);
    writeAtomically(path, `${JSON.stringify(file, null, 2)}\n`);
    for (const [part, names] of Object.entries(PRINTED)) {
      const there = names.filter((name) => contracts[name] !== undefined);
      if (there.length > 0) log(`${part}: ${there.map((name) => `${name} ${contracts[name]}`).join(", ")}.`);
    }
    log(`Written to ${path}.`);
    return file;
  } catch (error) {
    if (error instanceof DeployError) throw error;
    throw deploymentFailed(error);
  }
}
