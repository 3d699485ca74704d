import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

const ROOT = join(import.meta.dirname, "..", "..");
const NODE = join(ROOT, "node_modules", ".bin", "node");

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves when the output matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  ended(): Promise<number | null>;
}

function startDemo(flags: readonly string[], env: Record<string, string> = {}): Demo {
  const inherited = { ...process.env };
  delete inherited["L1_URL"];
  const child = spawn(NODE, [join("scripts", "demo", "main.ts"), ...flags], { cwd: ROOT, env: { ...inherited, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = once(child, "close") as Promise<[number | null]>;
  return {
    child,
    output: () => output,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match !== null) return match;
        if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    ended: async () => (await ended)[0],
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

describe("demo", function () {
  this.timeout(180_000);

  it("demo: plays one chapter, serves the CLI, and leaves nothing running when Ctrl-C comes twice at once", async () => {
    const demo = startDemo(["--stay", "--chapter", "2"]);
    await demo.until(/stays up until Ctrl-C/);
    await demo.until(/npx agnt2 account 1/);
    const urls = [...demo.output().matchAll(/http:\/\/127\.0\.0\.1:\d+/g)].map(([url]) => url);
    const [sequencer, api, , faucet, l1] = urls as [string, string, string, string, string];

    const env = { ...process.env, AGNT2_SEQUENCER_URL: sequencer, AGNT2_API_URL: api, L1_URL: l1, AGNT2_FAUCET_URL: faucet };
    const { stdout } = await promisify(execFile)(NODE, [join(ROOT, "cli", "bin", "agnt2.mjs"), "account", "2", "--json"], { env });
    const account = JSON.parse(stdout) as { index: number; balance: string; served: number };
    // One ETH deposited, 0.01 earned, one fee of 100 units paid.
    expect(account).to.include({ index: 2, served: 1, balance: "1009999900000000000" });

    demo.child.kill("SIGINT");
    demo.child.kill("SIGINT");
    expect(await demo.ended()).to.equal(0);
    expect(await Promise.all([sequencer, api, faucet, l1].map(answers))).to.deep.equal([false, false, false, false]);
  });

  it("demo: ends with 130 when Ctrl-C comes while it starts", async () => {
    const demo = startDemo([]);
    // Its first line comes when it listens to signals.
    while (demo.output() === "" && demo.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, 500));
    demo.child.kill("SIGINT");
    expect(await demo.ended()).to.equal(130);
  });

  it("demo: ends with 1 and says why when the chapter or the L1 is not there", async () => {
    const noChapter = startDemo(["--chapter", "99"]);
    expect(await noChapter.ended()).to.equal(1);
    expect(noChapter.output()).to.include("There is no chapter 99");
    const noL1 = startDemo([], { L1_URL: "http://127.0.0.1:9" });
    expect(await noL1.ended()).to.equal(1);
    expect(noL1.output()).to.include("No L1 answers");
  });
});
