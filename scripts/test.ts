/**
 * Runs every test: `npm test`, or `npm test -- core services` for some groups.
 * Closes with one line, `N passed, N failed`, that sums all runners. A group that finds or runs no test fails, and so does
 * one that does not end by itself; under `CI=true` a skipped test is a failure too.
 */
import { fileURLToPath } from "node:url";

import { runTestGroup } from "./testing/runTestGroup.ts";
import { findTestGroups } from "./testing/testGroup.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const wanted = process.argv.slice(2);
const groups = findTestGroups(root).filter((group) => wanted.length === 0 || wanted.includes(group.name));
const unknown = wanted.filter((name) => !groups.some((group) => group.name === name));

let passed = 0;
let failed = 0;
const notes: string[] = unknown.map((name) => `There is no group of tests called ${name}.`);

for (const [index, group] of groups.entries()) {
  const files = `${group.files.length} file${group.files.length === 1 ? "" : "s"}`;
  console.log(`\n=== ${group.name} (${files}, group ${index + 1} of ${groups.length}) ===`);
  const outcome = await runTestGroup(group);
  passed += outcome.passed;
  failed += outcome.failed + outcome.problems.length;
  const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} not run` : "";
  const line = `${group.name}: ${outcome.passed} passed, ${outcome.failed} failed${skipped} (${outcome.seconds.toFixed(1)} s)`;
  notes.push(line, ...outcome.problems.map((problem) => `${group.name}: ${problem}`));
  console.log(line);
}

if (groups.length === 0) notes.push("No tests were found.");
console.log(`\n=== all groups ===\n${notes.join("\n")}`);
failed += unknown.length;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
