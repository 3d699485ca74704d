import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { parseEther, Wallet } from "ethers";

import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadClaimerConfig } from "../../services/claimer/config.ts";
import { createClaimerService } from "../../services/claimer/service.ts";
import { startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";

describe("claimer", () => {
  let chain: LocalChain;
  let directory: string;

  before(async () => {
    chain = await startLocalChain("anvil");
    directory = await mkdtemp(join(tmpdir(), "agnt2-claimer-"));
  });
  after(async () => {
    await chain.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("claimer: brings the state of every epoch to confirmation and gets its bonds back", async () => {
    const rollup = await deployRollupOn(chain);
    const { settlement } = rollup.contracts;
    const script = scriptFor(chain, rollup);
    const claimer = Wallet.createRandom(chain.provider);
    await (await rollup.wallet.sendTransaction({ to: claimer.address, value: parseEther("1") })).wait();
    await script.deposit(claimer.privateKey, 1_000);
    await script.submit();

    const deploymentFile = join(directory, "deployment.json");
    await writeFile(deploymentFile, JSON.stringify(rollup.deployment, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--l1-url", chain.url, "--deployment", deploymentFile, "--data-dir", join(directory, "data"), "--poll-ms", "100", "--plain-key", claimer.privateKey, "--allow-plain-key"];
    const service = createClaimerService(loadClaimerConfig(flags), createLogger({ service: "claimer", level: "error", output: process.stderr }));
    await service.start();
    try {
      const untilConfirmed = async (epochs: bigint): Promise<void> => {
        while ((await settlement.latestConfirmed())[1] < epochs) await new Promise((resolve) => setTimeout(resolve, 100));
      };
      await untilConfirmed(1n);
      await script.deposit(claimer.privateKey, 500);
      await script.submit();
      await untilConfirmed(2n);
      const [claimId] = await settlement.latestConfirmed();
      while ((await settlement.bondOf(claimId, claimer.address)) > 0n) await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await rollup.contracts.bridge.heldUnits()).to.equal(1_500n);
    } finally {
      await service.stop({ kind: "requested", by: "the test" });
    }
  });
});
