import { parseArgs } from "node:util";

import { runChannelFuzz } from "../test/core/channel/fuzz/runChannelFuzz.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20000" }, seed: { type: "string" }, sequences: { type: "string" } },
});

const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const sequences = values.sequences === undefined ? undefined : Number(values.sequences);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed) || seed < 0 || (sequences !== undefined && !(sequences >= 1))) {
  process.stderr.write("Use: npm run fuzz:channels -- --runs MESSAGES --seed S [--sequences N] (whole numbers).\n");
  process.exit(2);
}
process.exit(runChannelFuzz({ runs, seed, sequences }, (line) => process.stdout.write(`${line}\n`)) ? 0 : 1);
