import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Tests that run in one process, one group after the other, so that two cores are enough. */
export interface TestGroup {
  readonly name: string;
  readonly worker: "solidityWorker.ts" | "mochaWorker.ts";
  readonly files: readonly string[];
}

/** Quick and pure first, so that a mistake shows early; folders that are not named here come before `e2e`. */
const ORDER = ["core", "solidity", "contracts", "chain", "runtime", "derivation", "differential"];

function filesUnder(directory: string, suffix: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
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
