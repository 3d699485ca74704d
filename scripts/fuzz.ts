import { parseArgs } from "node:util";

import { runFuzz } from "../test/differential/runFuzz.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "2000" }, seed: { type: "string" } },
});

const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write("Use: npm run fuzz -- --runs N --seed S (whole numbers).\n");
  process.exit(2);
}
const isClean = await runFuzz({ runs, seed }, (line) => process.stdout.write(`${line}\n`));
process.exit(isClean ? 0 : 1);
