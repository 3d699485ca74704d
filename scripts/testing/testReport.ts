/** What one group of tests came to. A worker sends exactly one of these to its parent. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** Tests that were written but not run: allowed on a developer's machine, a failure in CI. */
  readonly skipped: number;
  /** How long each file took with its hooks, by its path from the root of the project. */
  readonly fileSeconds: Readonly<Record<string, number>>;
  /** Counts of each file, by the same path; none of the Solidity tests. */
  readonly fileCounts: Readonly<Record<string, FileCounts>>;
  /** What failed and why, to be read where only the end of a long run is kept. */
  readonly failures: readonly TestFailure[];
}

export interface FileCounts {
  readonly passed: number;
  readonly failed: number;
}

export interface TestFailure {
  /** Path from the root of the project. */
  readonly file: string;
  /** One line with file, test, message and place. */
  readonly text: string;
}

export const EMPTY_REPORT: TestReport = { passed: 0, failed: 0, skipped: 0, fileSeconds: {}, fileCounts: {}, failures: [] };

/** Sends the report to the process that started this worker; a worker run by hand just prints its tests. */
export function sendReport(report: TestReport): void {
  process.send?.(report);
}
