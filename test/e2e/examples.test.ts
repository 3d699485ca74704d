import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";

import { freePort } from "../builders/localChain.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

describe("examples on a live network", function () {
  this.timeout(120_000);
  let network: LocalNetworkForTests;
  let env: Record<string, string>;
  const programs: Program[] = [];

  function start(name: string): Program {
    const child = spawn(process.execPath, [join(EXAMPLES, `${name}.ts`)], { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    const ended = once(child, "close").then(([code]) => code as number | null);
    const program = { child, output: () => output, ended };
    programs.push(program);
    return program;
  }
  async function until(program: Program, pattern: RegExp): Promise<void> {
    for (const end = Date.now() + 60_000; !pattern.test(program.output()); await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (program.child.exitCode !== null || Date.now() > end) throw new Error(`it never said ${pattern}:\n${program.output()}`);
    }
  }

  before(async () => {
    network = await startLocalNetwork();
    const { PATH = "", HOME = "" } = process.env;
    env = {
      PATH, HOME, AGNT2_SEQUENCER_URL: network.sequencerUrl, AGNT2_API_URL: network.apiUrl, AGNT2_FAUCET_URL: network.faucetUrl, L1_URL: network.l1Url,
      AGNT2_DEPLOYMENT: network.deploymentFile, PROVIDER_URL: `http://127.0.0.1:${await freePort()}`,
    };
  });
  after(async () => {
    for (const { child, ended } of programs) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await ended;
    }
    await network?.stop();
  });

  it("provider, requester: a call is paid for, served over HTTP, and goes to L1", async () => {
    const provider = start("provider");
    await until(provider, /Serving on/);
    const requester = start("requester");
    expect(await requester.ended, requester.output()).to.equal(0);
    expect(requester.output()).to.match(/The answer is "GOOD MORNING!"/).and.match(/went to L1 in batch \d+/);
    expect(provider.output()).to.include("was paid 0.01");
  });

  it("workflow: both providers are paid together", async () => {
    const workflow = start("workflow");
    expect(await workflow.ended, workflow.output()).to.equal(0);
    expect(workflow.output().match(/ has 1\.0[0-9]+ ETH| has 0\.9[0-9]+ ETH/g)).to.have.length(3);
  });
});
