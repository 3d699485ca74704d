import { relative } from "node:path";

import Mocha from "mocha";

import mochaConfig from "../../.mocharc.json" with { type: "json" };
import { tellFailure } from "./tellFailure.ts";
import { sendReport } from "./testReport.ts";
import type { FileCounts, TestFailure } from "./testReport.ts";

/** How long a group may take to let go of its sockets and timers after its last test. */
const EXIT_GRACE_MS = 10_000;

/** Runs the test files named on the command line in one mocha and reports their counts to the parent process. */
async function runMocha(files: string[]): Promise<void> {
  const fileSeconds: Record<string, number> = {};
  const addSeconds = (file: string, sinceMs: number): void => {
    const name = relative(process.cwd(), file);
    fileSeconds[name] = (fileSeconds[name] ?? 0) + (performance.now() - sinceMs) / 1000;
  };
  const mocha = new Mocha({ timeout: mochaConfig.timeout, forbidOnly: true, reporter: mochaConfig.reporter });
  for (const file of files) mocha.addFile(file);
  let startedAt = performance.now();
  const startClock = (): void => void (startedAt = performance.now());
  // The first file of a process loads what others share, and pays for it here.
  mocha.suite.on("pre-require", startClock).on("post-require", (_context, file) => addSeconds(file, startedAt));
  await mocha.loadFilesAsync();

  let skipped = 0;
  let passed = 0;
  const failures: TestFailure[] = [];
  const fileCounts: Record<string, FileCounts> = {};
  const count = ({ file = "" }: Mocha.Runnable | Mocha.Hook, what: keyof FileCounts): void => {
    const name = relative(process.cwd(), file);
    const counts = fileCounts[name] ?? { passed: 0, failed: 0 };
    fileCounts[name] = { ...counts, [what]: counts[what] + 1 };
  };
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on("pass", (test) => {
      passed++;
      count(test, "passed");
    });
    // Hooks fail too, so this counts more than tests; a retried test that passes in the end does not come by here.
    runner.on("fail", (test, error) => {
      failures.push(tellFailure(relative(process.cwd(), test.file ?? ""), test.fullTitle(), error));
      count(test, "failed");
    });
    runner.on("suite", ({ parent }) => parent?.root === true && startClock());
    runner.on("suite end", ({ parent, file }) => parent?.root === true && file !== undefined && addSeconds(file, startedAt));
    runner.on("pending", (test) => {
      skipped++;
      console.log(`  not run: ${test.fullTitle()} (${relative(process.cwd(), test.file ?? "")})`);
    });
  });

  sendReport({ passed, failed: failures.length, skipped, fileSeconds, fileCounts, failures });
  process.exitCode = failures.length > 0 ? 1 : 0;
  process.disconnect?.();
  setTimeout(() => {
    console.log(`\nStill running after the last test: ${[...new Set(process.getActiveResourcesInfo())].join(", ")}`);
  }, EXIT_GRACE_MS).unref();
}

await runMocha(process.argv.slice(2));
