/**
 * Runs every test: `npm test`, or `npm test -- core services` for some groups.
 * Closes with one line, `N passed, N failed`, that sums all runners. A group that finds or runs no test fails, and so does
 * one that does not end by itself; under `CI=true` a skipped test is a failure too.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

import { runTestGroup } from "./testing/runTestGroup.ts";
import { findTestGroups, planTestGroups } from "./testing/testGroup.ts";
import type { TestGroup } from "./testing/testGroup.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const wanted = process.argv.slice(2);
const groups = findTestGroups(root).filter((group) => wanted.length === 0 || wanted.includes(group.name));
const unknown = wanted.filter((name) => !groups.some((group) => group.name === name));

let passed = 0;
let failed = 0;
let started = 0;
const notes: string[] = unknown.map((name) => `There is no group of tests called ${name}.`);

function headline({ name, files }: TestGroup, where = ""): string {
  started += 1;
  return `\n=== ${name} (${files.length} file${files.length === 1 ? "" : "s"}, group ${started} of ${groups.length})${where} ===`;
}

/** Runs a group; one that is not alone prints all it has to say when it ends, so that two do not mix their lines. */
async function runGroup(group: TestGroup, isBeside = false): Promise<void> {
  let text = "";
  console.log(headline(group, isBeside ? ": runs beside the others" : ""));
  const outcome = await runTestGroup(group, isBeside ? (piece) => (text += piece) : undefined);
  if (isBeside) console.log(`\n=== ${group.name}, what it printed ===\n${text}`);
  passed += outcome.passed;
  failed += outcome.failed + outcome.problems.length;
  const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} not run` : "";
  const line = `${group.name}: ${outcome.passed} passed, ${outcome.failed} failed${skipped} (${outcome.seconds.toFixed(1)} s)`;
  notes.push(line, ...outcome.problems.map((problem) => `${group.name}: ${problem}`));
  console.log(line);
}

const { alone, lanes } = planTestGroups(groups, availableParallelism());
for (const group of alone) await runGroup(group);
await Promise.all(
  lanes.map(async (lane, place) => {
    for (const group of lane) await runGroup(group, place > 0);
  }),
);

if (groups.length === 0) notes.push("No tests were found.");
console.log(`\n=== all groups ===\n${notes.join("\n")}`);
failed += unknown.length;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
