import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import { LEDGER_STATES } from "../../../sidecar/ledger/LedgerRow.ts";
import type { LedgerState } from "../../../sidecar/ledger/LedgerRow.ts";

const CHILD = fileURLToPath(new URL("writeUntilKilled.ts", import.meta.url));
const KILLS = Number(process.env["LEDGER_KILLS"] ?? 4);
const NUMBERS_A_ROUND = 1_000_000;

describe("ledger of payments: killed", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "agnt2-ledger-kill-"))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("kill -9 at any moment: opens again, and has everything that it said was written", async function () {
    this.timeout(20_000 + KILLS * 5_000);
    /** The last that was said of each payment. */
    const said = new Map<string, LedgerState>();
    for (let round = 0; round < KILLS; round++) {
      const child = spawn(process.execPath, [CHILD, dir, String(round * NUMBERS_A_ROUND)], { stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      let complaint = "";
      child.stderr.on("data", (chunk: Buffer) => (complaint += String(chunk)));
      const wanted = 2_000 + Math.floor(Math.random() * 60_000);
      child.stdout.on("data", (chunk: Buffer) => {
        text += String(chunk);
        if (text.length > wanted) child.kill("SIGKILL");
      });
      const signal = await new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
      expect(signal, complaint).to.equal("SIGKILL");
      // The last line may be half of one.
      for (const line of text.slice(0, text.lastIndexOf("\n")).split("\n")) {
        const [state, key] = line.split(" ") as [LedgerState, string];
        said.set(key, state);
      }

      const ledger = createLedger(dir, { minFreeBytes: 0, hasThread: false });
      let settled = 0;
      for (const [key, state] of said) {
        const row = ledger.find(key);
        expect(row, key).to.not.equal(undefined);
        expect(LEDGER_STATES.indexOf(row!.state), `${key} was ${state}, is ${row!.state}`).to.be.at.least(LEDGER_STATES.indexOf(state));
        if (row!.state === "answered") expect(Buffer.from(ledger.answer(row!)!.body).toString()).to.equal(key.repeat(200));
        if (state === "settled") settled += 1;
      }
      const total = ledger.totals().find(({ payer }) => payer === undefined);
      expect(total!.amount).to.equal(BigInt(total!.count) * 10n);
      expect(total!.count).to.be.at.least(settled);
      await ledger.close();
    }
    expect(said.size).to.be.above(KILLS * 10);
  });
});
