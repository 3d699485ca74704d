import hre from "hardhat";

import { sendReport } from "./testReport.ts";

interface SuiteResult {
  readonly id: { readonly source: string };
  readonly durationNs: bigint;
  readonly testResults: readonly { readonly name: string; readonly status: string; readonly reason?: string }[];
}

/** Compiles and runs the `*.t.sol` that are named on the command line, or all, natively and reports the counts to the parent process. */
async function runSolidityTests(testFiles: string[]): Promise<void> {
  const onOrphaned = (): never => process.exit(1);
  process.once("disconnect", onOrphaned);
  // Hardhat types what a task returns as `any`: here a Result with the suites under `value` or `error`. Its own summary
  // stays at zero when the task is run from a program, so the tests are counted one by one.
  const result = (await hre.tasks.getTask(["test", "solidity"]).run({ testFiles })) as
    | { success: true; value: { suiteResults: readonly SuiteResult[] } }
    | { success: false; error: { suiteResults: readonly SuiteResult[] } };
  const { suiteResults } = result.success ? result.value : result.error;
  const statuses = suiteResults.flatMap((suite) => suite.testResults.map((test) => test.status));
  const count = (status: string): number => statuses.filter((each) => each === status).length;
  const failed = count("Failure");
  const failures = suiteResults.flatMap(({ id, testResults }) => testResults.filter(({ status }) => status === "Failure").map(({ name, reason = "" }) => ({ file: id.source, text: `${id.source}: ${name}: ${reason}` })));
  const fileSeconds: Record<string, number> = {};
  for (const { id, durationNs } of suiteResults) {
    const name = id.source.replace(/^project\//, "");
    fileSeconds[name] = (fileSeconds[name] ?? 0) + Number(durationNs) / 1e9;
  }
  // A run that broke off has no failed test, yet it is one.
  sendReport({ passed: count("Success"), failed: result.success ? failed : Math.max(failed, 1), skipped: count("Skipped"), fileSeconds, fileCounts: {}, failures });
  process.exitCode = result.success ? 0 : 1;
  process.off("disconnect", onOrphaned);
  process.disconnect?.();
}

await runSolidityTests(process.argv.slice(2));
