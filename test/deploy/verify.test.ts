import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** Explorers know no development chain. */
const CHAIN_ID = 993_377;
const HARDHAT = join(ROOT, "node_modules", ".bin", "hardhat");

interface Submission {
  readonly contractname: string;
  readonly sourceCode: string;
  readonly constructorArguments: string;
}

/** What a Blockscout answers, as far as a verification asks; remembers what it was given. */
function createExplorer(received: Submission[], isFailing: () => boolean) {
  return createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const action = new URL(request.url ?? "", "http://x").searchParams.get("action");
      const answer = (status: string, result: unknown): void => void response.end(JSON.stringify({ status, message: status === "1" ? "OK" : "NOTOK", result }));
      response.setHeader("content-type", "application/json");
      if (action === "verifysourcecode") {
        if (isFailing()) return answer("0", "The explorer is closed today");
        received.push(Object.fromEntries(new URLSearchParams(body)) as unknown as Submission);
        return answer("1", `guid${received.length}`);
      }
      if (action === "checkverifystatus") return answer("1", "Pass - Verified");
      answer("0", []);
    });
  });
}

describe("npx hardhat deploy --verify", function () {
  this.timeout(180_000);
  const name = `verify-${process.pid}`;
  const received: Submission[] = [];
  let isFailing = false;
  const explorer = createExplorer(received, () => isFailing);
  let chain: LocalChain;

  async function deploy(): Promise<{ code: number | null; output: string }> {
    const { port } = explorer.address() as AddressInfo;
    const env = { ...process.env, L1_URL: chain.url, DEPLOYER_KEY: DEVELOPMENT_KEYS[0], BLOCKSCOUT_URL: `http://127.0.0.1:${port}`, BLOCKSCOUT_CHAIN_ID: String(CHAIN_ID) };
    const child = spawn(process.execPath, [HARDHAT, "deploy", "--network", "custom", "--name", name, "--verify"], { cwd: ROOT, env });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  }

  before(async () => {
    await new Promise<void>((resolve) => explorer.listen(0, "127.0.0.1", resolve));
    chain = await startLocalChain("anvil", { chainId: CHAIN_ID, blockSeconds: 0.5 });
  });
  after(async () => {
    explorer.close();
    await chain.stop();
    rmSync(join(ROOT, "ignition", "deployments", `${name}-${CHAIN_ID}`), { recursive: true, force: true });
    rmSync(join(ROOT, "deployments", `${name}-${CHAIN_ID}.json`), { force: true });
  });

  it("explorer that refuses: is told with a code, after everything is deployed", async () => {
    isFailing = true;
    const { code, output } = await deploy();
    expect(output).to.include("VERIFICATION_FAILED: ");
    expect(code).to.equal(1);
  });

  it("explorer of the chain's own: gets the sources of all that was deployed, with the arguments of constructors", async () => {
    isFailing = false;
    const { code, output } = await deploy();
    expect(code, output).to.equal(0);
    expect(received.map(({ contractname }) => contractname.split(":")[1])).to.deep.equal([
      "OneStepProver", "Inbox", "Settlement", "BisectionGame", "Bridge", "Exodus", "ChannelAdjudicator", "SequencerSet", "RollupFactory",
      "IdentityRegistry", "RegistryProxy", "ReputationRegistry", "RegistryProxy", "ValidationRegistry", "RegistryProxy",
      "ProofOfService", "JobEscrow", "BountyBoard", "BountyIntake", "BatchMeter", "UptimeMeter", "ValidatorMeter", "CodeVerifier",
    ]);
    for (const { contractname, sourceCode } of received) {
      const { sources } = JSON.parse(sourceCode) as { sources: Record<string, { content: string }> };
      expect(sources[contractname.split(":")[0] ?? ""]?.content, contractname).to.include("pragma solidity");
    }
    const lengths = received.map(({ contractname, constructorArguments }) => `${contractname.split(":")[1]} ${(constructorArguments ?? "").length / 64}`);
    // Code, and the call that initialises: offset, length, selector with one or two words.
    expect(lengths).to.include.members(["RollupFactory 8", "IdentityRegistry 0", "RegistryProxy 5", "RegistryProxy 6", "JobEscrow 3", "BountyBoard 5", "UptimeMeter 3"]);
  });
});
