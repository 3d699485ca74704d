import { relative } from "node:path";

import type { GroupOutcome } from "./runTestGroup.ts";
import type { TestGroup } from "./testGroup.ts";

/** More files than these were not unlucky. */
const MAX_SECOND_RUNS = 5;

interface Ran {
  readonly piece: TestGroup;
  readonly outcome: GroupOutcome;
}

/** Of a group, its pieces taken together. */
export interface GroupTotal {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly problems: readonly string[];
}

/** What all tests came to, and what is run a second time. */
export class TestTotals {
  readonly #root: string;
  readonly #ran: Ran[] = [];
  /** What failed beside others and passed alone, a line each. */
  readonly passedAlone: string[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  add(piece: TestGroup, outcome: GroupOutcome): void {
    this.#ran.push({ piece, outcome });
  }

  /**
   * Files that failed beside others and may have been starved by them: tests with real processes wait for them, and everything they wait for
   * has its limit. None when so many failed that something else is wrong.
   */
  suspects(): TestGroup[] {
    const files = this.#ran.flatMap(({ piece, outcome }) => {
      if (piece.worker !== "mochaWorker.ts") return [];
      const isSuspect = (file: string): boolean => (outcome.fileCounts[relative(this.#root, file)]?.failed ?? 0) > 0 || (piece.files.length === 1 && outcome.problems.length > 0);
      return piece.files.filter(isSuspect).map((file): TestGroup => ({ name: piece.name, worker: piece.worker, files: [file] }));
    });
    return files.length > MAX_SECOND_RUNS ? [] : files;
  }

  /** Takes the outcome of a file that ran again with nothing beside it. One that failed again stays as it was. */
  replace({ name, files: [path] }: TestGroup, alone: GroupOutcome): void {
    const at = this.#ran.findIndex(({ piece }) => piece.name === name && piece.files.includes(path!));
    const { piece, outcome } = this.#ran[at]!;
    if (alone.failed > 0 || alone.passed === 0 || alone.problems.length > 0) return;
    const file = relative(this.#root, path!);
    const before = outcome.fileCounts[file] ?? { passed: 0, failed: 0 };
    this.passedAlone.push(...outcome.failures.filter((failure) => failure.file === file).map(({ text }) => text));
    const isWhole = piece.files.length === 1;
    if (isWhole) this.passedAlone.push(...outcome.problems.map((problem) => `${file}: ${problem}`));
    this.#ran[at] = {
      piece,
      outcome: {
        ...outcome,
        passed: outcome.passed - before.passed + alone.passed,
        failed: outcome.failed - before.failed,
        seconds: outcome.seconds + alone.seconds,
        problems: isWhole ? [] : outcome.problems,
        failures: outcome.failures.filter((failure) => failure.file !== file),
      },
    };
  }

  group(name: string): GroupTotal | undefined {
    const ran = this.#ran.filter(({ piece }) => piece.name === name);
    if (ran.length === 0) return undefined;
    const sum = (of: "passed" | "failed" | "skipped" | "seconds"): number => ran.reduce((total, { outcome }) => total + outcome[of], 0);
    const problems = ran.flatMap(({ piece, outcome }) => outcome.problems.map((problem) => `${name} (${this.filesOf(piece)}): ${problem}`));
    return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped"), seconds: sum("seconds"), problems };
  }

  /** What failed and why, a line each. */
  get failures(): string[] {
    return this.#ran.flatMap(({ piece, outcome }) => [...outcome.failures.map(({ text }) => text), ...outcome.problems.map((problem) => `${piece.name} (${this.filesOf(piece)}): ${problem}`)]);
  }

  get fileSeconds(): Readonly<Record<string, number>> {
    return Object.assign({}, ...this.#ran.map(({ outcome }) => outcome.fileSeconds)) as Record<string, number>;
  }

  filesOf({ files }: TestGroup): string {
    return files.length === 1 ? relative(this.#root, files[0]!) : `${files.length} files`;
  }
}
