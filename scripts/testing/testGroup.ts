import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** Tests that run in one process. */
export interface TestGroup {
  readonly name: string;
  readonly worker: "solidityWorker.ts" | "mochaWorker.ts";
  readonly files: readonly string[];
  /** For commands of their own. Default: what no group of `npm test` may take. */
  readonly timeoutMs?: number;
}

/** Quick and pure first, so that a mistake shows early; folders that are not named here come before `e2e`. */
const ORDER = ["core", "solidity", "deploy", "bench", "contracts", "chain", "runtime", "derivation", "differential"];

/** They compile with Hardhat, whose cache takes one writer: one at a time. */
const BUILDING: readonly string[] = ["solidity", "deploy", join("test", "e2e", "demo.test.ts")];
/** Groups that keep a core busy from beginning to end; all others wait for chains, processes and disks much of the time. */
const BUSY: readonly string[] = ["core", "solidity", "bench", "contracts", "differential", "model"];
/** Of a core, in percent. Two cores have room for three, of which one may be busy; two that are busy run alone. */
const BUSY_PERCENT = 70;
const WAITING_PERCENT = 65;

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

/** A group, or one file of it, that runs in a process of its own. */
export interface TestPiece extends TestGroup {
  /** Of a core. */
  readonly percent: number;
  readonly isBuilding: boolean;
}

/** What can run side by side, in the order in which it should start: a story of `e2e` is a piece of its own, any other group is one piece. */
export function planTestPieces(groups: readonly TestGroup[], root: string): TestPiece[] {
  const pieces = groups.flatMap((group) => (group.name === "e2e" ? group.files.map((file) => ({ ...group, files: [file] })) : [group]));
  return pieces.map((piece) => {
    const names = [piece.name, ...piece.files.map((file) => relative(root, file))];
    const isBuilding = names.some((name) => BUILDING.includes(name));
    return { ...piece, percent: BUSY.includes(piece.name) ? BUSY_PERCENT : WAITING_PERCENT, isBuilding };
  });
}

/** The next piece that may start beside those that run; none when it has to wait for one of them to end. */
export function nextPiece(waiting: readonly TestPiece[], running: readonly TestPiece[], cores: number): TestPiece | undefined {
  if (running.length === 0) return waiting[0];
  const used = running.reduce((sum, piece) => sum + piece.percent, 0);
  const isBuilding = running.some((piece) => piece.isBuilding);
  return waiting.find((piece) => used + piece.percent <= cores * 100 && !(isBuilding && piece.isBuilding));
}
