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

/** Groups that write what is built: one after the other, before any story. */
const BUILDING: readonly string[] = ["solidity", "deploy"];
/** Groups that keep a core busy from beginning to end, and wait for nothing: they run beside the building ones, not beside stories. */
const BUSY: readonly string[] = ["core", "bench"];

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

/** Two lanes in two phases; the second begins when both lanes of the first have ended. */
export interface TestPlan {
  readonly building: readonly TestGroup[];
  readonly busy: readonly TestGroup[];
  /** The stories of `e2e` wait for chains most of the time and are many: each file is a piece of its own. */
  readonly stories: readonly TestGroup[];
  /** Whoever has none of these left takes from the end of the stories. */
  readonly others: readonly TestGroup[];
}

/** @param cores with less than two, everything runs one after the other; and so do groups without a story to run beside */
export function planTestGroups(groups: readonly TestGroup[], cores: number): TestPlan {
  const isStory = ({ name }: TestGroup): boolean => name === "e2e";
  if (cores < 2 || !groups.some(isStory)) return { building: groups, busy: [], stories: [], others: [] };
  const isFirst = ({ name }: TestGroup): boolean => BUILDING.includes(name) || BUSY.includes(name);
  return {
    building: groups.filter(({ name }) => BUILDING.includes(name)),
    busy: groups.filter(({ name }) => BUSY.includes(name)),
    stories: groups.filter(isStory).flatMap((group) => group.files.map((file) => ({ ...group, files: [file] }))),
    others: groups.filter((group) => !isStory(group) && !isFirst(group)),
  };
}
