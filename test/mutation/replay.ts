import { readFileSync } from "node:fs";

import { firstDifference } from "./Corpus.ts";
import type { Corpus } from "./Corpus.ts";

// A child process of `npm run mutate`: says where the altered rules leave what the EVM said. A crash is a difference as well.
const corpus = JSON.parse(readFileSync(process.argv[2] as string, "utf8")) as Corpus;
let difference: string | null;
try {
  difference = firstDifference(corpus);
} catch (error) {
  difference = `it throws: ${error instanceof Error ? error.message : String(error)}`;
}
process.stdout.write(`${JSON.stringify({ difference })}\n`);
