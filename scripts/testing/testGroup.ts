import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Tests that run in one process. */
export interface TestGroup {
  readonly name: string;
  readonly worker: "solidityWorker.ts" | "mochaWorker.ts";
  readonly files: readonly string[];
}

/** Quick and pure first, so that a mistake shows early; folders that are not named here come before `e2e`. */
const ORDER = ["core", "solidity", "deploy", "bench", "contracts", "chain", "runtime", "derivation", "differential"];

/** Groups that compile, deploy or measure: nothing else runs beside them. */
const ALONE: ReadonlySet<string> = new Set(["core", "solidity", "deploy", "bench"]);

/** Packages that a client under test has for itself hold tests of their own. */
function filesUnder(directory: string, suffix: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix) && !name.includes("node_modules"))
    .map((name) => join(directory, name))
    .sort();
}

function rank(name: string): number {
  if (name === "e2e") return ORDER.length + 1;
  const index = ORDER.indexOf(name);
  return index === -1 ? ORDER.length : index;
}

/** Finds every group: the Solidity tests, and each folder of `test/` that holds TypeScript tests. */
export function findTestGroups(root: string): TestGroup[] {
  const testFolder = join(root, "test");
  const solidity = [...filesUnder(testFolder, ".t.sol"), ...filesUnder(join(root, "contracts"), ".t.sol")];
  const groups: TestGroup[] = [{ name: "solidity", worker: "solidityWorker.ts", files: solidity }];
  const folders = existsSync(testFolder) ? readdirSync(testFolder, { withFileTypes: true }) : [];
  for (const folder of folders) {
    if (!folder.isDirectory()) continue;
    const files = filesUnder(join(testFolder, folder.name), ".test.ts");
    if (files.length > 0) groups.push({ name: folder.name, worker: "mochaWorker.ts", files });
  }
  return groups.sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));
}

/**
 * In which order groups run. Each lane takes the next piece of its own list; one that has none left takes from the end of the stories.
 * The stories of `e2e` wait for chains most of the time and are many: each file is a piece of its own.
 */
export interface TestPlan {
  /** Nothing runs beside them. */
  readonly alone: readonly TestGroup[];
  readonly stories: readonly TestGroup[];
  readonly others: readonly TestGroup[];
}

/** @param cores with less than two, everything runs alone; and so do groups without a story to run beside */
export function planTestGroups(groups: readonly TestGroup[], cores: number): TestPlan {
  const isStory = ({ name }: TestGroup): boolean => name === "e2e";
  if (cores < 2 || !groups.some(isStory)) return { alone: groups, stories: [], others: [] };
  return {
    alone: groups.filter(({ name }) => ALONE.has(name)),
    stories: groups.filter(isStory).flatMap((group) => group.files.map((file) => ({ ...group, files: [file] }))),
    others: groups.filter((group) => !isStory(group) && !ALONE.has(group.name)),
  };
}
