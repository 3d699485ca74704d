/**
 * `npm run kill:sidecar [-- --kills 50] [--seed S]`: ends the sidecars of a buyer and two sellers by SIGKILL at random moments under load, and
 * compares everybody's books afterwards (test/long/sidecarKill.ts). A kill takes five seconds and more, so it is no part of `npm test`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { testEnvironment } from "./testing/config.ts";
import { runTestGroup } from "./testing/runTestGroup.ts";

/** On a machine that does much else too. */
const [START_MS, PER_KILL_MS] = [10 * 60_000, 60_000];

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { kills: { type: "string", default: "50" }, seed: { type: "string" } } });

process.chdir(root);
testEnvironment["KILLS"] = values.kills;
if (values.seed !== undefined) testEnvironment["SEED"] = values.seed;
const files = [join(root, "test", "long", "sidecarKill.ts")];
const { passed, failed, problems } = await runTestGroup({ name: "kill:sidecar", worker: "mochaWorker.ts", files, timeoutMs: START_MS + Number(values.kills) * PER_KILL_MS });
for (const problem of problems) console.log(problem);
console.log(`\n${passed} passed, ${failed + problems.length} failed`);
process.exitCode = failed + problems.length > 0 || passed === 0 ? 1 : 0;
