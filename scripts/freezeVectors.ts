/**
 * `node scripts/freezeVectors.ts` fills in the touch order and root of vectors that have none, after their hand-written part was
 * confirmed. What is frozen already is never changed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { toHex } from "../core/codec/index.ts";
import { playAndCompare } from "../test/builders/vectors/checkVector.ts";
import { formatVectorFile } from "../test/builders/vectors/formatVectorFile.ts";
import type { VectorFile } from "../test/builders/vectors/Vector.ts";
import { leafText } from "../test/builders/vectors/VectorRun.ts";

const folder = fileURLToPath(new URL("../spec/vectors", import.meta.url));
let frozen = 0;
let failed = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
  const path = join(folder, name);
  const file = JSON.parse(readFileSync(path, "utf8")) as VectorFile;
  for (const vector of file.cases) {
    if (vector.postRoot !== undefined) continue;
    try {
      const recorded = playAndCompare(file, vector);
      vector.touched = recorded.leaves.map(({ kind, index }) => leafText(kind, index));
      vector.postRoot = toHex(recorded.postRoot);
      frozen += 1;
    } catch (error) {
      failed += 1;
      const detail = error as { message: string; actual?: unknown; expected?: unknown };
      console.log(`${name}: ${vector.name}\n  ${detail.message}`);
      if (detail.actual !== undefined) console.log(`  got      ${JSON.stringify(detail.actual)}\n  expected ${JSON.stringify(detail.expected)}`);
    }
  }
  writeFileSync(path, formatVectorFile(file));
}
console.log(`${frozen} vectors frozen, ${failed} failed.`);
process.exitCode = failed > 0 ? 1 : 0;
