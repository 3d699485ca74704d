import { Interface, ZeroAddress, getCreateAddress } from "ethers";

import { REGISTRIES } from "./deployEconomy.ts";
import type { DeploymentFile } from "./deployRollup.ts";

/** One contract as an explorer wants to hear of it. */
export interface VerificationJob {
  readonly name: string;
  /**
   * Source and name. Without it, the plugin would look for the contract by its code: it reads all that was compiled once for each contract
   * that there is, which takes ten seconds for each that is verified.
   */
  readonly contract: string;
  readonly address: string;
  readonly constructorArgs: unknown[];
}

const IMPLEMENTATIONS = {
  inbox: "Inbox", settlement: "Settlement", game: "BisectionGame", bridge: "Bridge", exodus: "Exodus", adjudicator: "ChannelAdjudicator", sequencerSet: "SequencerSet",
} as const;
const REGISTRY_CONTRACTS = { identityRegistry: "IdentityRegistry", reputationRegistry: "ReputationRegistry", validationRegistry: "ValidationRegistry" } as const;

const inFolder = (folder: string, name: string): string => `contracts/${folder}/${name}.sol:${name}`;

/** The shared code and the factory. Clones need nothing: explorers follow a minimal proxy to its implementation. */
function chainJobs({ contracts }: DeploymentFile): VerificationJob[] {
  const at = (name: string): string => contracts[name] ?? "";
  const addresses = Object.fromEntries(Object.keys(IMPLEMENTATIONS).map((name) => [name, at(`${name}Implementation`)]));
  return [
    { name: "prover", contract: inFolder("root", "OneStepProver"), address: at("prover"), constructorArgs: [] },
    ...Object.entries(IMPLEMENTATIONS).map(([name, contract]) => ({
      name: `${name}Implementation`, contract: inFolder(name === "adjudicator" ? "channels" : "root", contract), address: at(`${name}Implementation`), constructorArgs: [],
    })),
    { name: "factory", contract: inFolder("root", "RollupFactory"), address: at("factory"), constructorArgs: [addresses, at("prover")] },
  ];
}

/** The registries that this deployment made, code and proxy: of those that were there before somebody else has shown the sources. */
function registryJobs({ contracts, config }: DeploymentFile): VerificationJob[] {
  const owner = config["registryOwner"];
  return REGISTRIES.flatMap((name) => {
    const [proxy, code] = [contracts[name], contracts[`${name}Implementation`]];
    if (proxy === undefined || code === undefined) return [];
    const [signature, args] = name === "identityRegistry" ? ["initialize(address)", [owner]] : ["initialize(address,address)", [contracts["identityRegistry"], owner]];
    const data = new Interface([`function ${signature}`]).encodeFunctionData("initialize", args);
    return [
      { name: `${name}Implementation`, contract: inFolder("agents", REGISTRY_CONTRACTS[name]), address: code, constructorArgs: [] },
      { name, contract: inFolder("agents", "RegistryProxy"), address: proxy, constructorArgs: [code, data] },
    ];
  });
}

function economyJobs({ contracts, config }: DeploymentFile): VerificationJob[] {
  const { settlement, jobEscrow, bountyBoard, uptimeMeter, identityRegistry, reputationRegistry, validationRegistry } = contracts;
  if (bountyBoard === undefined) return [];
  const fee = [config["marketOwner"], config["marketFeeBps"], config["marketFeeRecipient"]];
  const job = (name: string, contract: string, constructorArgs: unknown[], address = contracts[name] ?? ZeroAddress): VerificationJob => ({ name, contract, address, constructorArgs });
  return [
    job("proofOfService", inFolder("agents", "ProofOfService"), [settlement, identityRegistry, reputationRegistry, config["proofFeeWei"], config["maxWeight"]]),
    job("jobEscrow", inFolder("bounties", "JobEscrow"), fee),
    job("bountyBoard", inFolder("bounties", "BountyBoard"), [jobEscrow, identityRegistry, ...fee]),
    // The board's second half, which it makes by itself.
    job("bountyIntake", inFolder("bounties", "BountyIntake"), [jobEscrow, identityRegistry], getCreateAddress({ from: bountyBoard, nonce: 1 })),
    job("batchMeter", inFolder("bounties", "BatchMeter"), []),
    job("uptimeMeter", inFolder("bounties", "UptimeMeter"), [validationRegistry, config["validatorStakeWei"], config["validatorUnbondingSeconds"]]),
    job("validatorMeter", inFolder("bounties", "ValidatorMeter"), [uptimeMeter]),
    job("codeVerifier", inFolder("bounties", "CodeVerifier"), []),
  ];
}

/** Everything that has code of its own. */
export function verificationJobs(file: DeploymentFile): VerificationJob[] {
  return [...chainJobs(file), ...registryJobs(file), ...economyJobs(file)];
}
