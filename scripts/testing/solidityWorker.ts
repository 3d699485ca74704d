import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { findTestGroups } from "./testGroup.ts";
import { EMPTY_REPORT, sendReport } from "./testReport.ts";
import type { TestReport } from "./testReport.ts";

const RUNNER = fileURLToPath(new URL("runSolidityTests.ts", import.meta.url));

interface Run {
  /** Undefined when the process ended before it had one. */
  readonly report: TestReport | undefined;
  readonly exitCode: number | null;
  /** What ended it, if something did. */
  readonly signal: NodeJS.Signals | null;
}

/** Runs the files named, or all, in a process of their own. */
function run(files: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [RUNNER, ...files], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    let report: TestReport | undefined;
    child.on("message", (message) => (report = message as TestReport));
    child.on("error", reject);
    child.on("exit", (exitCode, signal) => resolve({ report, exitCode, signal }));
  });
}

/**
 * Runs every `*.t.sol`, or those named on the command line. A test that fails is run once more with each of its steps recorded: one that
 * does very much until it fails can need more memory than there is, and takes the process and all counts with it. Then the files run one by
 * one, so that the others count and the file is named.
 */
async function runSolidityTests(named: readonly string[]): Promise<void> {
  const { report, exitCode, signal } = await run(named);
  let total = report;
  if (total === undefined) {
    process.exitCode = exitCode ?? 1;
    if (signal === null) return process.disconnect?.(); // Something does not compile: it has been told.
    console.log(`\n${signal} ended the Solidity tests before their report: each file runs alone.`);
    const files = named.length > 0 ? named : findTestGroups(process.cwd()).flatMap((group) => (group.worker === "solidityWorker.ts" ? group.files : []));
    total = EMPTY_REPORT;
    for (const file of files) {
      const alone = await run([file]);
      if (alone.report === undefined) console.log(`\n  failed: ${file} ended with ${alone.signal ?? `exit code ${alone.exitCode}`}. A test that fails late may need more memory than there is: let it fail early.`);
      const { passed, failed, skipped, fileSeconds, failures } = alone.report ?? { ...EMPTY_REPORT, failed: 1, failures: [{ file, text: `${file}: ended without a report` }] };
      total = { ...EMPTY_REPORT, passed: total.passed + passed, failed: total.failed + failed, skipped: total.skipped + skipped, fileSeconds: { ...total.fileSeconds, ...fileSeconds }, failures: [...total.failures, ...failures] };
    }
  }
  sendReport(total);
  process.exitCode = total.failed > 0 ? 1 : 0;
  process.disconnect?.();
}

await runSolidityTests(process.argv.slice(2));
