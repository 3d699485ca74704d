import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { isContinuousIntegration, testEnvironment } from "./config.ts";
import type { TestGroup } from "./testGroup.ts";
import { EMPTY_REPORT } from "./testReport.ts";
import type { TestReport } from "./testReport.ts";

/** A group that takes longer than this hangs. */
const GROUP_TIMEOUT_MS = 25 * 60_000;
/** After its report a worker has this long to end; what is left then would have kept a service from stopping. */
const EXIT_TIMEOUT_MS = 15_000;

/** The outcome of a group: its counts, and what was wrong beyond single failing tests. */
export interface GroupOutcome extends TestReport {
  readonly problems: readonly string[];
  readonly seconds: number;
}

/**
 * Runs one group in a process of its own. Never throws: problems are part of the outcome.
 * @param onOutput gets what it prints, piece by piece; without it, it goes straight to the terminal
 */
export async function runTestGroup(group: TestGroup, onOutput?: (text: string) => void): Promise<GroupOutcome> {
  const startedAt = performance.now();
  const problems: string[] = [];
  let report: TestReport | undefined;

  const worker = fileURLToPath(new URL(group.worker, import.meta.url));
  const files = group.worker === "mochaWorker.ts" ? group.files : [];
  const output = onOutput === undefined ? "inherit" : "pipe";
  const child = spawn(process.execPath, [worker, ...files], { stdio: ["ignore", output, output, "ipc"], env: testEnvironment });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => onOutput?.(text));

  const kill = (problem: string): void => {
    problems.push(problem);
    child.kill("SIGKILL");
  };
  const { timeoutMs = GROUP_TIMEOUT_MS } = group;
  let timer = setTimeout(() => kill(`took longer than ${timeoutMs / 60_000} minutes`), timeoutMs);
  child.on("message", (message) => {
    report = message as TestReport;
    clearTimeout(timer);
    timer = setTimeout(() => kill("left something running after its last test"), EXIT_TIMEOUT_MS);
  });

  const { exitCode, ending } = await new Promise<{ exitCode: number | null; ending: string }>((resolve) => {
    child.on("error", (error) => {
      problems.push(error.message);
      resolve({ exitCode: null, ending: error.message });
    });
    child.on("exit", (code, signal) => resolve({ exitCode: code, ending: signal ?? `exit code ${code}` }));
  });
  clearTimeout(timer);

  const { passed, failed, skipped } = report ?? EMPTY_REPORT;
  if (report === undefined) problems.push(`ended without a report, with ${ending}`);
  else if (passed + failed === 0) problems.push("ran no test at all");
  else if (exitCode !== 0 && failed === 0 && problems.length === 0) problems.push(`ended with exit code ${exitCode}`);
  if (skipped > 0 && isContinuousIntegration) problems.push(`skipped ${skipped} tests, and CI skips nothing`);
  return { ...(report ?? EMPTY_REPORT), problems, seconds: (performance.now() - startedAt) / 1000 };
}
