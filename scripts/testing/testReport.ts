/** What one group of tests came to. A worker sends exactly one of these to its parent. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** Tests that were written but not run: allowed on a developer's machine, a failure in CI. */
  readonly skipped: number;
  /** How long each file took with its hooks, by its path from the root of the project. */
  readonly fileSeconds: Readonly<Record<string, number>>;
  /** What failed and why, a line each, to be read where only the end of a long run is kept. */
  readonly failures: readonly string[];
}

/** Sends the report to the process that started this worker; a worker run by hand just prints its tests. */
export function sendReport(report: TestReport): void {
  process.send?.(report);
}
