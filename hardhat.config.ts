import { createRequire } from "node:module";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";
import type { HardhatUserConfig, NetworkUserConfig } from "hardhat/types/config";

import { deployTask } from "./deploy/task.ts";
import { BINDINGS_DRAFT, nativeTypescriptBindings } from "./scripts/hardhat/nativeTypescriptBindings.ts";

const require = createRequire(import.meta.url);

/** The key that pays for deployments: from the environment, or `npx hardhat keystore set DEPLOYER_KEY`. */
const deployerKey = configVariable("DEPLOYER_KEY");

/**
 * Every `NAME_RPC_URL` in the environment is a network called `name` (lower case, `_` becomes `-`), so that
 * `SEPOLIA_RPC_URL=https://… npx hardhat deploy --network sepolia` needs no edit here.
 */
function networksFromEnvironment(): Record<string, NetworkUserConfig> {
  const suffix = "_RPC_URL";
  const networks: Record<string, NetworkUserConfig> = {};
  for (const [key, url] of Object.entries(process.env)) {
    if (!key.endsWith(suffix) || url === undefined || url === "") continue;
    const name = key.slice(0, -suffix.length).toLowerCase().replaceAll("_", "-");
    networks[name] = { type: "http", chainType: "l1", url, accounts: [deployerKey] };
  }
  return networks;
}

/** A Blockscout of the chain's own: `BLOCKSCOUT_URL` with `BLOCKSCOUT_CHAIN_ID`. Without it, Etherscan's list of chains is used. */
function explorersFromEnvironment(): NonNullable<HardhatUserConfig["chainDescriptors"]> {
  const { BLOCKSCOUT_URL: url, BLOCKSCOUT_CHAIN_ID: chainId } = process.env;
  if (url === undefined || url === "" || chainId === undefined || !/^\d+$/.test(chainId)) return {};
  const base = url.replace(/\/+$/, "");
  return { [chainId]: { name: `chain ${chainId}`, chainType: "l1", blockExplorers: { blockscout: { name: "Blockscout", url: base, apiUrl: `${base}/api` } } } };
}

/** The compiler comes from npm, pinned by the lock file: no download at build time. */
function compiler(settings: Readonly<Record<string, unknown>> = {}) {
  return {
    version: "0.8.37",
    path: require.resolve("solc/soljson.js"),
    settings: { evmVersion: "cancun", optimizer: { enabled: true, runs: 800 }, ...settings },
  };
}

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers, nativeTypescriptBindings],
  tasks: [deployTask],
  solidity: {
    preferWasm: true,
    splitTestsCompilation: true,
    compilers: [compiler()],
    // Costs eight seconds to compile, and saves every claim of a batch a third of its gas.
    overrides: { "contracts/channels/ChannelAdjudicator.sol": compiler({ viaIR: true }) },
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./test/contracts", mocha: "./test" },
  },
  test: {
    solidity: {
      fuzz: { runs: 256, seed: "0x01" },
      invariant: { runs: 64, depth: 64, failOnRevert: false },
    },
  },
  typechain: { outDir: BINDINGS_DRAFT, tsNocheck: true },
  // Read only when sources are verified: `npx hardhat deploy --network NAME --verify`.
  verify: { etherscan: { apiKey: configVariable("ETHERSCAN_API_KEY") } },
  chainDescriptors: explorersFromEnvironment(),
  networks: {
    localhost: { type: "http", chainType: "l1", url: process.env["L1_URL"] ?? "http://127.0.0.1:8545" },
    custom: { type: "http", chainType: "l1", url: configVariable("L1_URL"), accounts: [deployerKey] },
    ...networksFromEnvironment(),
  },
});
