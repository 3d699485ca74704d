import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { Interface, Signature } from "ethers";
import hre from "hardhat";

import { connectIdentityRegistry, connectReputationRegistry, connectValidationRegistry } from "../../chain/agents/connectRegistries.ts";
import type { IdentityRegistry, ReputationRegistry, ValidationRegistry } from "../../typechain-types/index.ts";

type Connection = Awaited<ReturnType<typeof hre.network.create>>;

/** The three registries behind their proxies. */
export interface Registries {
  readonly identity: IdentityRegistry;
  readonly reputation: ReputationRegistry;
  readonly validation: ValidationRegistry;
}

/** An L1 in memory with the three registries, as the first signer sees them; it owns their code. */
export interface RegistryScene extends Registries {
  readonly connection: Connection;
  readonly ethers: Connection["ethers"];
  readonly signers: readonly HardhatEthersSigner[];
  deployProxy(contract: string, initialize: string, args: readonly unknown[]): Promise<string>;
  /** Everything as it was at the beginning. */
  restore(): Promise<void>;
  now(): Promise<number>;
  close(): Promise<void>;
}

/** Deploys a registry behind its proxy. */
export async function deployRegistryProxy(ethers: Connection["ethers"], contract: string, initialize: string, args: readonly unknown[]): Promise<string> {
  const implementation = await ethers.deployContract(contract);
  const data = new Interface([`function ${initialize}`]).encodeFunctionData(initialize, args as unknown[]);
  const proxy = await ethers.deployContract("RegistryProxy", [await implementation.getAddress(), data]);
  return await proxy.getAddress();
}

export async function deployRegistries(ethers: Connection["ethers"], owner: HardhatEthersSigner): Promise<Registries> {
  const identity = await deployRegistryProxy(ethers, "IdentityRegistry", "initialize(address)", [owner.address]);
  const reputation = await deployRegistryProxy(ethers, "ReputationRegistry", "initialize(address,address)", [identity, owner.address]);
  const validation = await deployRegistryProxy(ethers, "ValidationRegistry", "initialize(address,address)", [identity, owner.address]);
  return {
    identity: connectIdentityRegistry(identity, owner),
    reputation: connectReputationRegistry(reputation, owner),
    validation: connectValidationRegistry(validation, owner),
  };
}

export async function createRegistryScene(): Promise<RegistryScene> {
  const connection = await hre.network.create();
  const { ethers, networkHelpers } = connection;
  const signers = await ethers.getSigners();
  const registries = await deployRegistries(ethers, signers[0]!);
  let snapshot = await networkHelpers.takeSnapshot();
  return {
    ...registries,
    connection,
    ethers,
    signers,
    deployProxy: (contract, initialize, args) => deployRegistryProxy(ethers, contract, initialize, args),
    async restore() {
      await snapshot.restore();
      snapshot = await networkHelpers.takeSnapshot();
    },
    now: async () => (await ethers.provider.getBlock("latest"))!.timestamp,
    close: () => connection.close(),
  };
}

/** What a wallet signs to be an agent's. */
export interface WalletConsent {
  readonly chainId: bigint;
  readonly registry: string;
  readonly agentId: bigint;
  readonly newWallet: string;
  readonly owner: string;
  readonly deadline: number;
}

/** The wallet's signature, 65 bytes. The types are written out here: they are the ERC's, not ours. */
export async function signWalletConsent(wallet: Pick<HardhatEthersSigner, "signTypedData">, consent: WalletConsent): Promise<string> {
  const { chainId, registry, ...message } = consent;
  const types = {
    AgentWalletSet: [
      { name: "agentId", type: "uint256" },
      { name: "newWallet", type: "address" },
      { name: "owner", type: "address" },
      { name: "deadline", type: "uint256" },
    ],
  };
  return await wallet.signTypedData({ name: "ERC8004IdentityRegistry", version: "1", chainId, verifyingContract: registry }, types, message);
}

/** The same signature with the other s: `ecrecover` takes it, careful code does not. */
export function malleated(signature: string): string {
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const { r, s, v } = Signature.from(signature);
  const other = (ORDER - BigInt(s)).toString(16).padStart(64, "0");
  return `${r}${other}${(v === 27 ? 28 : 27).toString(16)}`;
}
