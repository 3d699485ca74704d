/**
 * Runs every test: `npm test`, or `npm test -- core services` for some groups.
 * Closes with one line, `N passed, N failed`, that sums all runners. A group that finds or runs no test fails, and so does
 * one that does not end by itself; under `CI=true` a skipped test is a failure too.
 */
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

import { runTestGroup } from "./testing/runTestGroup.ts";
import { findTestGroups, planTestGroups } from "./testing/testGroup.ts";
import type { TestGroup } from "./testing/testGroup.ts";
import type { TestReport } from "./testing/testReport.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const wanted = process.argv.slice(2);
const groups = findTestGroups(root).filter((group) => wanted.length === 0 || wanted.includes(group.name));
const unknown = wanted.filter((name) => !groups.some((group) => group.name === name));

const notes: string[] = unknown.map((name) => `There is no group of tests called ${name}.`);
/** Of each group, in the order in which they ended; a group that runs in pieces has one. */
const totals = new Map<string, { passed: number; failed: number; skipped: number; seconds: number; problems: string[] }>();

function tell({ name }: TestGroup, { passed, failed, skipped, seconds }: TestReport & { readonly seconds: number }): string {
  return `${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} not run` : ""} (${seconds.toFixed(1)} s)`;
}

/** Runs a group, or a piece of one; what is not alone prints all it has to say when it ends, so that two do not mix their lines. */
async function runPiece(piece: TestGroup, isBeside: boolean): Promise<void> {
  const files = piece.files.length === 1 ? relative(root, piece.files[0]!) : `${piece.files.length} files`;
  console.log(`\n=== ${piece.name} (${files})${isBeside ? ": runs beside the others" : ""} ===`);
  let text = "";
  const outcome = await runTestGroup(piece, isBeside ? (more) => (text += more) : undefined);
  if (isBeside) console.log(`\n=== ${piece.name} (${files}), what it printed ===\n${text}`);
  const total = totals.get(piece.name) ?? { passed: 0, failed: 0, skipped: 0, seconds: 0, problems: [] };
  for (const name of ["passed", "failed", "skipped", "seconds"] as const) total[name] += outcome[name];
  total.problems.push(...outcome.problems.map((problem) => `${piece.name} (${files}): ${problem}`));
  totals.set(piece.name, total);
  console.log(tell(piece, outcome));
}

const { building, busy, stories, others } = planTestGroups(groups, availableParallelism());
async function runLane(next: () => TestGroup | undefined, isBeside: boolean): Promise<void> {
  for (let piece = next(); piece !== undefined; piece = next()) await runPiece(piece, isBeside);
}
const [waitingBuilding, waitingBusy, waitingStories, waitingOthers] = [[...building], [...busy], [...stories], [...others]];
await Promise.all([runLane(() => waitingBuilding.shift(), false), runLane(() => waitingBusy.shift(), true)]);
// The stories end soonest when the lane that is done with the rest takes some of them.
await Promise.all([runLane(() => waitingStories.shift(), false), runLane(() => waitingOthers.shift() ?? waitingStories.pop(), true)]);

let passed = 0;
let failed = unknown.length;
for (const group of groups) {
  const total = totals.get(group.name);
  if (total === undefined) continue;
  notes.push(tell(group, total), ...total.problems);
  passed += total.passed;
  failed += total.failed + total.problems.length;
}

if (groups.length === 0) notes.push("No tests were found.");
console.log(`\n=== all groups ===\n${notes.join("\n")}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
