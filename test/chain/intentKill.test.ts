import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { deployCounter } from "../builders/counterContract.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";

const CALLS = 40;
const KILLS = 8;
const WORKER = join(import.meta.dirname, "..", "builders", "intentWorker.ts");

describe("transaction manager in a process of its own", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let dir: string;
  before(async () => {
    chain = await startLocalChain("anvil");
    dir = mkdtempSync(join(tmpdir(), "agnt2-kill-"));
  });
  after(async () => {
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("kill -9: every call has exactly one effect when the process is killed again and again", async () => {
    const counter = await deployCounter(chain, DEVELOPMENT_KEYS[0]);
    const args = [WORKER, chain.url, DEVELOPMENT_KEYS[1], join(dir, "intents.log"), counter.address, String(CALLS)];
    let isDone = false;
    for (let run = 0; run <= KILLS; run += 1) {
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      child.stdout.on("data", () => (isDone = true));
      // A little later each time: before the journal, in the middle of sending, near the end.
      const timer = run < KILLS ? setTimeout(() => child.kill("SIGKILL"), 250 + 45 * run) : undefined;
      await once(child, "exit");
      clearTimeout(timer);
    }
    expect(isDone).to.equal(true);
    expect(await counter.count()).to.equal(CALLS);
  });
});
