import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

const ROOT = join(import.meta.dirname, "..", "..");
const reference = readFileSync(join(ROOT, "docs", "ERRORS.md"), "utf8");

function sourcesOf(folder: string): { path: string; text: string }[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ path: join(folder, name), text: readFileSync(join(ROOT, folder, name), "utf8") }));
}

describe("reference of error codes", () => {
  for (const [folder, pattern] of [
    ["sdk", /"(SDK_[A-Z_]+|INTAKE_[A-Z_]+|H_[A-Z_]+|WAITED_TOO_LONG)"/g],
    ["cli", /"((?:SDK|CLI)_[A-Z_]+)"/g],
    ["services/api", /"((?:api|derivation|files|config)\/[a-zA-Z]+)"/g],
    ["services/sequencer/intake", /HttpError\(\d+, "([A-Z_]+)"/g],
    ["scripts/demo", /"(faucet\/[a-zA-Z]+)"/g],
  ] as const) {
    it(`reference: has every code that ${folder} mentions`, () => {
      const codes = new Set(sourcesOf(folder).flatMap(({ text }) => [...text.matchAll(pattern)].map(([, code]) => code ?? "")));
      codes.delete("SDK_");
      expect(codes.size).to.be.greaterThan(1);
      expect([...codes].filter((code) => !reference.includes(`\`${code}\``))).to.deep.equal([]);
    });
  }
});
