import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { ChainError } from "../../chain/ChainError.ts";
import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { decodeRevertData, toChainError } from "../../chain/decodeRevert.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import { startLocalChain } from "../builders/localChain.ts";
import type { ChainKind, LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";

async function errorOf(promise: Promise<unknown>): Promise<ChainError> {
  try {
    await promise;
  } catch (error) {
    return toChainError(error, ROOT_ABIS);
  }
  throw new Error("it did not fail");
}

for (const kind of ["anvil", "hardhat"] as const satisfies readonly ChainKind[]) {
  describe(`contracts on ${kind}`, function () {
    this.timeout(60_000);
    let chain: LocalChain;
    let rollup: RollupOnChain;
    before(async () => {
      chain = await startLocalChain(kind);
      rollup = await deployRollupOn(chain);
    });
    after(() => chain.stop());

    it("revert: comes with the contract's error and its values when a call is refused", async () => {
      const { bridge } = rollup.contracts;
      const error = await errorOf(bridge.deposit.staticCall(rollup.wallet.address, 5n, { value: 5n }));
      expect(error.code).to.equal("L1_REVERT");
      expect(error.values).to.include({ contractError: "NotWholeUnits", amount: 5n, assetScale: 1_000_000_000n });
      expect(error.reaction).to.equal("reject");
    });

    it("revert: is decoded when the estimate of a transaction is refused", async () => {
      const error = await errorOf(rollup.contracts.inbox.submitBatch(1, 0, `0x${"00".repeat(32)}`, "0x"));
      expect(error.values["contractError"]).to.equal("L2TimeBehind");
    });

    it("deployment: is verified against genesis and code", async () => {
      await verifyDeployment(chain.provider, rollup.deployment);
      const elsewhere = { ...rollup.deployment, genesisHash: `0x${"11".repeat(32)}` };
      expect((await errorOf(verifyDeployment(chain.provider, elsewhere))).code).to.equal("DEPLOYMENT_INVALID");
      const empty = { ...rollup.deployment, contracts: { ...rollup.deployment.contracts, bridge: `0x${"22".repeat(20)}` } };
      expect((await errorOf(verifyDeployment(chain.provider, empty))).values).to.deep.equal({ field: "bridge" });
    });
  });
}

describe("revert data", () => {
  const word = (value: bigint): string => value.toString(16).padStart(64, "0");
  for (const [what, data, contractError] of [
    ["a text", `0x08c379a0${word(32n)}${word(2n)}6e6f${"0".repeat(60)}`, "Error"],
    ["a panic", `0x4e487b71${word(17n)}`, "Panic"],
    ["nothing", "0x", undefined],
    ["an unknown error", "0xdeadbeef", undefined],
  ] as const) {
    it(`decode: gives a typed error when the data hold ${what}`, () => {
      const error = decodeRevertData(data, ROOT_ABIS);
      expect([error.code, error.values["contractError"]]).to.deep.equal(["L1_REVERT", contractError]);
    });
  }
});

describe("deployment file", () => {
  const address = `0x${"11".repeat(20)}`;
  const good = {
    chainId: 1,
    genesisHash: `0x${"22".repeat(32)}`,
    contracts: { inbox: address, settlement: address, game: address, bridge: address, exodus: address, adjudicator: address, prover: address },
    config: { assetScale: "1000000000", feeTable: Array<number>(24).fill(3) },
    blockNumber: 7,
  };

  it("load: takes fees as numbers or as the contract's words", () => {
    expect(loadDeployment(good).config.feeTable).to.deep.equal(Array(24).fill(3));
    const word = `0x${"00000003".repeat(8)}`;
    expect(loadDeployment({ ...good, config: { ...good.config, feeTable: [word, word, word] } }).config.feeTable).to.deep.equal(Array(24).fill(3));
  });

  it("load: takes the zero address as no asset", () => {
    expect(loadDeployment({ ...good, contracts: { ...good.contracts, asset: `0x${"00".repeat(20)}` } }).contracts.asset).to.equal(undefined);
  });

  for (const [what, json] of [
    ["it is no object", "text"],
    ["a contract is missing", { ...good, contracts: { inbox: address } }],
    ["an address is none", { ...good, contracts: { ...good.contracts, bridge: "0x12" } }],
    ["the scale is missing", { ...good, config: { feeTable: good.config.feeTable } }],
    ["the fee table is short", { ...good, config: { ...good.config, feeTable: [1] } }],
    ["the chain id is no number", { ...good, chainId: "one" }],
  ] as const) {
    it(`load: is refused with a code when ${what}`, () => {
      expect(() => loadDeployment(json)).to.throw(ChainError).with.property("code", "DEPLOYMENT_INVALID");
    });
  }
});

describe("generated ABIs", () => {
  const root = join(import.meta.dirname, "..", "..");
  for (const name of ["Inbox", "Settlement", "Bridge", "RollupFactory", "OneStepProver"]) {
    it(`${name}: the snapshot has every function, event and error of the compiled contract`, async () => {
      const artifact = JSON.parse(readFileSync(join(root, "artifacts", "contracts", "root", `${name}.sol`, `${name}.json`), "utf8")) as { abi: unknown[] };
      const module = (await import(`../../chain/generated/abi/${name}.ts`)) as Record<string, readonly unknown[]>;
      const [abi] = Object.values(module);
      expect(abi).to.have.deep.members(artifact.abi);
    });
  }
});
