import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { expect } from "chai";
import { JsonRpcProvider } from "ethers";

import { connectReputationRegistry } from "../../chain/agents/connectRegistries.ts";
import { connectContracts } from "../../chain/connectContracts.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import type { DeployErrorCode } from "../../deploy/DeployError.ts";
import { prepareJournal } from "../../deploy/journal.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const HARDHAT = join(ROOT, "node_modules", ".bin", "hardhat");
const ECONOMY = ["proofOfService", "jobEscrow", "bountyBoard", "batchMeter", "uptimeMeter", "validatorMeter", "codeVerifier", "testDollar"] as const;
const UNFUNDED_KEY = `0x${"7".repeat(64)}`;

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs `hardhat deploy` in a process of its own; `killAfterMs` ends it the hard way. */
async function runDeploy(url: string, args: readonly string[], options: { killAfterMs?: number; key?: string } = {}): Promise<Run> {
  const env = { ...process.env, L1_URL: url, ...(options.key === undefined ? {} : { DEPLOYER_KEY: options.key }) };
  if (options.key === undefined) delete (env as Record<string, string | undefined>)["DEPLOYER_KEY"];
  const child = spawn(process.execPath, [HARDHAT, "deploy", ...args], { cwd: ROOT, env });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close") as Promise<[number | null]>;
  if (options.killAfterMs !== undefined) {
    await Promise.race([ended, wait(options.killAfterMs)]);
    child.kill("SIGKILL");
  }
  const [code] = await ended;
  return { code, output };
}

describe("npx hardhat deploy", function () {
  this.timeout(120_000);
  const name = `test-${process.pid}`;
  const journal = join(ROOT, "ignition", "deployments", `${name}-31337`);
  const file = join(ROOT, "deployments", `${name}-31337.json`);
  const local = ["--network", "localhost", "--name", name];
  let chain: LocalChain;

  const cleanUp = (): void => {
    rmSync(journal, { recursive: true, force: true });
    rmSync(file, { force: true });
  };
  const blocks = async (): Promise<number> => Number(await chain.send("eth_blockNumber"));
  const expectRefusal = (run: Run, code: DeployErrorCode): void => {
    expect(run.output).to.include(`${code}: `);
    expect(run.code).to.equal(1);
  };

  before(async () => {
    cleanUp();
    chain = await startLocalChain("hardhat");
  });
  after(async () => {
    await chain.stop();
    cleanUp();
  });

  it("run: is finished by the next one when it was killed in the middle, and sends nothing after that", async () => {
    await runDeploy(chain.url, local, { killAfterMs: 1_500 });
    const resumed = await runDeploy(chain.url, local);
    expect(resumed.code, resumed.output).to.equal(0);
    const deployment = loadDeployment(JSON.parse(readFileSync(file, "utf8")));
    const provider = new JsonRpcProvider(chain.url, 31337, { staticNetwork: true });
    await verifyDeployment(provider, deployment);
    const { contracts } = deployment;
    expect((await connectContracts(deployment, provider).inbox.config()).identityRegistry).to.equal(contracts.identityRegistry);
    for (const address of [contracts.reputationRegistry, contracts.validationRegistry]) {
      expect(await connectReputationRegistry(address!, provider).getIdentityRegistry()).to.equal(contracts.identityRegistry);
    }
    for (const name of ECONOMY) expect((await provider.getCode(contracts[name]!)).length, name).to.be.greaterThan(100);
    provider.destroy();

    const [text, height] = [readFileSync(file, "utf8"), await blocks()];
    const again = await runDeploy(chain.url, local);
    expect(again.code, again.output).to.equal(0);
    expect(await blocks()).to.equal(height);
    expect(readFileSync(file, "utf8")).to.equal(text);
  });

  it("parameters: are refused when they differ from those of the first run, unless --reset starts over", async () => {
    const height = await blocks();
    expectRefusal(await runDeploy(chain.url, [...local, "--sequencer", "deployer"]), "PARAMETERS_CHANGED");
    expect(await blocks()).to.equal(height);
    const before = readFileSync(file, "utf8");
    const reset = await runDeploy(chain.url, [...local, "--sequencer", "deployer", "--reset"]);
    expect(reset.code, reset.output).to.equal(0);
    expect(readFileSync(file, "utf8")).to.not.equal(before);
  });

  it("registries that the L1 has: are used by a further chain, and refused when they are about other agents", async () => {
    const folder = mkdtempSync(join(tmpdir(), "deploy-"));
    const further = ["--network", "localhost", "--name", `${name}-b`, "--parameters", join(folder, "further.json")];
    const { contracts } = loadDeployment(JSON.parse(readFileSync(file, "utf8")));
    const { identityRegistry, reputationRegistry, validationRegistry } = contracts;
    const setParameters = (parameters: object): void => writeFileSync(join(folder, "further.json"), JSON.stringify({ economy: "none", ...parameters }));
    try {
      setParameters({ identityRegistry: contracts.inbox, reputationRegistry });
      expectRefusal(await runDeploy(chain.url, further), "PARAMETERS_INVALID");
      setParameters({ identityRegistry: `0x${"12".repeat(20)}` });
      expectRefusal(await runDeploy(chain.url, further), "PARAMETERS_INVALID");
      setParameters({ identityRegistry, reputationRegistry, validationRegistry });
      const run = await runDeploy(chain.url, further);
      expect(run.code, run.output).to.equal(0);
      const second = loadDeployment(JSON.parse(readFileSync(join(ROOT, "deployments", `${name}-b-31337.json`), "utf8"))).contracts;
      expect([second.identityRegistry, second.reputationRegistry, second.validationRegistry]).to.deep.equal([identityRegistry, reputationRegistry, validationRegistry]);
      expect([second["identityRegistryImplementation"], second.bountyBoard]).to.deep.equal([undefined, undefined]);
    } finally {
      rmSync(folder, { recursive: true });
      rmSync(`${journal.slice(0, -"-31337".length)}-b-31337`, { recursive: true, force: true });
      rmSync(join(ROOT, "deployments", `${name}-b-31337.json`), { force: true });
    }
  });

  it("local chain: gets a new deployment when it was restarted under the same id", async () => {
    const before = loadDeployment(JSON.parse(readFileSync(file, "utf8")));
    const port = Number(new URL(chain.url).port);
    await chain.stop();
    chain = await startLocalChain("hardhat", { port });
    const run = await runDeploy(chain.url, local);
    expect(run.code, run.output).to.equal(0);
    const after = loadDeployment(JSON.parse(readFileSync(file, "utf8")));
    expect(after.genesisHash).to.not.equal(before.genesisHash);
    const provider = new JsonRpcProvider(chain.url, 31337, { staticNetwork: true });
    await verifyDeployment(provider, after);
    provider.destroy();
  });

  it("L1: is named when it does not answer", async () => {
    expectRefusal(await runDeploy(`http://127.0.0.1:${await freePort()}`, local), "L1_UNREACHABLE");
  });

  it("key: is asked for when a public network has none, and has to have funds", async () => {
    expectRefusal(await runDeploy(chain.url, ["--network", "custom"]), "KEY_MISSING");
    expectRefusal(await runDeploy(chain.url, ["--network", "custom", "--name", name], { key: UNFUNDED_KEY }), "NO_FUNDS");
  });

  it("chain: is refused when the parameters are for another one, or the network is unknown", async () => {
    const folder = mkdtempSync(join(tmpdir(), "deploy-"));
    try {
      const parameters = join(folder, "mainnet.json");
      writeFileSync(parameters, JSON.stringify({ chainIds: [1] }));
      expectRefusal(await runDeploy(chain.url, [...local, "--parameters", parameters]), "WRONG_CHAIN");
    } finally {
      rmSync(folder, { recursive: true });
    }
    expectRefusal(await runDeploy(chain.url, ["--network", "nowhere"], { key: DEVELOPMENT_KEYS[0] }), "WRONG_CHAIN");
  });

  it("--verify: says what is missing when the network has no explorer", async () => {
    expectRefusal(await runDeploy(chain.url, [...local, "--verify"]), "VERIFICATION_FAILED");
  });

  it("journal of a public chain: is refused when it does not fit, and kept", async () => {
    const folder = mkdtempSync(join(tmpdir(), "journal-"));
    const provider = new JsonRpcProvider(chain.url, 31337, { staticNetwork: true });
    try {
      const directory = join(folder, "chain-5");
      writeFileSync(join(folder, "keep"), "");
      const fresh = await prepareJournal(directory, 5, provider);
      expect(fresh.isFresh).to.equal(true);
      expect((await prepareJournal(directory, 5, provider)).isFresh).to.equal(false);
      writeFileSync(join(directory, "chain.json"), JSON.stringify({ genesisHash: "0x12", startBlock: 0 }));
      const refused = await prepareJournal(directory, 5, provider).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
      expect(refused).to.equal("JOURNAL_OF_ANOTHER_CHAIN");
      expect(existsSync(directory)).to.equal(true);
    } finally {
      provider.destroy();
      rmSync(folder, { recursive: true });
    }
  });
});
