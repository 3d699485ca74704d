import { parseArgs } from "node:util";

import { runDisputeFuzz } from "../test/differential/runDisputeFuzz.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "200" }, seed: { type: "string" } },
});

const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  process.stderr.write("Use: npm run fuzz:disputes -- --runs N --seed S (whole numbers).\n");
  process.exit(2);
}
const isClean = await runDisputeFuzz({ runs, seed }, (line) => process.stdout.write(`${line}\n`));
process.exit(isClean ? 0 : 1);
