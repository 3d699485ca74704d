/**
 * Runs every test: `npm test`, or `npm test -- core services` for some groups.
 * Closes with one line, `N passed, N failed`, that sums all runners. A group that finds or runs no test fails, and so does
 * one that does not end by itself; under `CI=true` a skipped test is a failure too.
 * Files that failed beside others, if they are few, run once more alone; what passed only then is told.
 * Before the last line come a table of the files that took longest and, a line each, what failed and why.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import { runTestGroup } from "./testing/runTestGroup.ts";
import { runTestPieces } from "./testing/runTestPieces.ts";
import { slowestFiles } from "./testing/slowestFiles.ts";
import { findTestGroups, planTestPieces } from "./testing/testGroup.ts";
import type { TestGroup } from "./testing/testGroup.ts";
import { TestTotals } from "./testing/TestTotals.ts";
import type { GroupTotal } from "./testing/TestTotals.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const wanted = process.argv.slice(2);
const groups = findTestGroups(root).filter((group) => wanted.length === 0 || wanted.includes(group.name));
const unknown = wanted.filter((name) => !groups.some((group) => group.name === name));

const notes: string[] = unknown.map((name) => `There is no group of tests called ${name}.`);
const totals = new TestTotals(root);
let isLiveTaken = false;

function tell({ name }: TestGroup, { passed, failed, skipped, seconds }: Omit<GroupTotal, "problems">): string {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} not run` : ""} (${seconds.toFixed(1)} s)`;
}

/** Runs a group, or a piece of one. One shows what it prints as it comes; those beside it when they end, so that no two mix their lines. */
async function runPiece(piece: TestGroup): Promise<void> {
  const files = totals.filesOf(piece);
  const isBeside = isLiveTaken;
  isLiveTaken = true;
  console.log(`\n=== ${piece.name} (${files})${isBeside ? ": runs beside the others" : ""} ===`);
  let text = "";
  const outcome = await runTestGroup(piece, isBeside ? (more) => (text += more) : undefined);
  if (isBeside) console.log(`\n=== ${piece.name} (${files}), what it printed ===\n${text}`);
  else isLiveTaken = false;
  totals.add(piece, outcome);
  console.log(tell(piece, outcome));
}

const startedAt = performance.now();
// Who names groups wants to see one after the other as it runs.
await runTestPieces(planTestPieces(groups, root), wanted.length === 0 ? availableParallelism() : 1, runPiece);
for (const suspect of wanted.length === 0 ? totals.suspects() : []) {
  console.log(`\n=== ${suspect.name} (${totals.filesOf(suspect)}): failed beside others, runs again alone ===`);
  totals.replace(suspect, await runTestGroup(suspect));
}

let passed = 0;
let failed = unknown.length;
for (const group of groups) {
  const total = totals.group(group.name);
  if (total === undefined) continue;
  notes.push(tell(group, total), ...total.problems);
  passed += total.passed;
  failed += total.failed + total.problems.length;
}

if (groups.length === 0) notes.push("No tests were found.");
console.log(`\n=== slowest files ===\n${slowestFiles(totals.fileSeconds, 25).join("\n")}`);
console.log(`\n=== all groups, in ${((performance.now() - startedAt) / 1000).toFixed(0)} s ===\n${notes.join("\n")}`);
if (totals.passedAlone.length > 0) console.log(`\n=== failed beside others, passed alone ===\n${totals.passedAlone.join("\n")}`);
if (totals.failures.length > 0) console.log(`\n=== failed ===\n${totals.failures.join("\n")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
