import { readFileSync } from "node:fs";

import { expect } from "chai";

import { ERROR, OP } from "../../core/generated/protocol.ts";
import { checkVector } from "../builders/vectors/checkVector.ts";
import { loadVectors } from "../builders/vectors/loadVectors.ts";

const files = loadVectors();
const cases = [...files.values()].flatMap((file) => file.cases);

/** Rules that describe data or shape, with the test that shows them. */
const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  "N-1": "test/core/hash.test.ts",
  "N-2": "test/core/treeDense.test.ts",
  "N-3": "test/core/stepProof.test.ts",
  "N-4": "test/core/treeProof.test.ts",
  "B-1": "test/core/codec.test.ts",
  "B-2": "test/core/codec.test.ts",
  "B-3": "test/core/codec.test.ts",
  "B-4": "test/core/codec.test.ts",
  "B-6": "test/core/packedSlots.test.ts",
  "B-7": "test/core/packedSlots.test.ts",
  "M-3": "test/core/fastPath.test.ts",
  "M-9": "test/core/stepProof.test.ts",
  "R-1": "every record: AGENT[a] is touched after REGISTER",
  "R-7": "the E_REFERENCE cases of each operation",
  "RC-1": "the receipt of every case",
  "RC-3": "the receipt of every entry",
};

describe("vectors", () => {
  for (const [name, file] of files) {
    for (const vector of file.cases) {
      it(`${name}: ${vector.name}`, () => {
        checkVector(file, vector);
      });
    }
  }

  it("names: are different when two cases are", () => {
    const names = [...files].flatMap(([name, file]) => file.cases.map((vector) => `${name}: ${vector.name}`));
    expect(new Set(names).size).to.equal(names.length);
  });

  it("rules: have a case or a test when the rulebook numbers them", () => {
    const rules = [...readFileSync(new URL("../../spec/RULES.md", import.meta.url), "utf8").matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map((match) => match[1]);
    expect(rules.length).to.be.above(80);
    const named = new Set(cases.map((vector) => vector.name.split(":")[0]));
    expect(rules.filter((rule) => !named.has(rule) && !(rule in SHOWN_ELSEWHERE))).to.deep.equal([]);
  });

  it("error ids: are the outcome of a case when the specification has them", () => {
    const outcomes = new Set(cases.map((vector) => vector.outcome));
    expect(Object.keys(ERROR).filter((name) => !outcomes.has(name))).to.deep.equal([]);
  });

  it("operations: have a case that succeeds when they are not reserved", () => {
    const done = new Set(cases.filter((vector) => vector.outcome === "OK").map(({ step }) => ("op" in step ? step.op : "entry" in step ? step.entry : "")));
    const missing = Object.keys(OP).filter((name) => name !== "HEADER" && !done.has(name));
    expect(missing).to.deep.equal([]);
  });
});
