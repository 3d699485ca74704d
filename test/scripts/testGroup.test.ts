import { expect } from "chai";

import { runTestPieces } from "../../scripts/testing/runTestPieces.ts";
import { slowestFiles } from "../../scripts/testing/slowestFiles.ts";
import { tellFailure } from "../../scripts/testing/tellFailure.ts";
import { nextPiece, planTestPieces } from "../../scripts/testing/testGroup.ts";
import type { TestGroup, TestPiece } from "../../scripts/testing/testGroup.ts";

const group = (name: string, ...files: string[]): TestGroup => ({ name, worker: "mochaWorker.ts", files });
const GROUPS = [group("core", "g"), group("solidity", "h"), group("deploy", "i"), group("chain", "b", "c"), group("services", "d"), group("e2e", "test/e2e/cli.test.ts", "test/e2e/demo.test.ts")];

const waits = (name: string): TestPiece => ({ ...group(name, name), percent: 65, isBuilding: false });
const busy = (name: string): TestPiece => ({ ...group(name, name), percent: 70, isBuilding: false });
const builds = (name: string): TestPiece => ({ ...busy(name), isBuilding: true });

describe("plan of test groups", () => {
  it("pieces: are the groups, and the stories file by file; nothing is left out", () => {
    const pieces = planTestPieces(GROUPS, "");
    expect(pieces.map(({ name, files }) => [name, ...files])).to.deep.equal([
      ["core", "g"], ["solidity", "h"], ["deploy", "i"], ["chain", "b", "c"], ["services", "d"], ["e2e", "test/e2e/cli.test.ts"], ["e2e", "test/e2e/demo.test.ts"],
    ]);
    expect(pieces.filter(({ isBuilding }) => isBuilding).flatMap(({ files }) => files)).to.deep.equal(["h", "i", "test/e2e/demo.test.ts"]);
  });

  it("next piece: is the first that the cores have room for, and no second that builds", () => {
    expect(nextPiece([busy("a"), waits("b")], [], 2)?.name).to.equal("a");
    expect(nextPiece([busy("a"), waits("b")], [waits("c"), waits("d")], 2)?.name).to.equal("a");
    expect(nextPiece([busy("a"), waits("b")], [busy("c"), waits("d")], 2)?.name).to.equal("b");
    expect(nextPiece([busy("a"), waits("b")], [busy("c"), busy("d")], 2)).to.equal(undefined);
    expect(nextPiece([waits("b")], [waits("c"), waits("d"), waits("e")], 2)).to.equal(undefined);
    expect(nextPiece([builds("a"), waits("b")], [builds("c")], 2)?.name).to.equal("b");
    expect(nextPiece([builds("a")], [waits("c")], 2)?.name).to.equal("a");
    expect(nextPiece([], [], 2)).to.equal(undefined);
  });

  for (const [cores, most] of [[0.5, 1], [1, 1], [2, 3], [4, 6]] as const) {
    it(`run: has every piece once, ${most} at a time at most, with ${cores} cores`, async () => {
      const pieces = [builds("a"), builds("b"), busy("c"), ...["d", "e", "f", "g", "h", "i"].map(waits)];
      const [started, running]: [string[], Set<TestPiece>] = [[], new Set()];
      let highest = 0;
      await runTestPieces(pieces, cores, async (piece) => {
        started.push(piece.name);
        running.add(piece);
        highest = Math.max(highest, running.size);
        expect([...running].filter(({ isBuilding }) => isBuilding).length).to.be.at.most(1);
        for (let turn = 0; turn < started.length; turn += 1) await Promise.resolve();
        running.delete(piece);
      });
      expect(started.toSorted()).to.deep.equal(pieces.map(({ name }) => name));
      expect(highest).to.equal(most);
    });
  }
});

describe("line about a failed test", () => {
  it("line: has the file, the name, a short message without breaks and the first place in the project's own code", () => {
    const error = new Error(`expected\n  1 to equal 2 ${"x".repeat(400)}`);
    error.stack = `Error: expected\n    at f (file://${process.cwd()}/node_modules/chai/index.js:1:1)\n    at node:internal/x:1:1\n    at Context.g (file://${process.cwd()}/test/a.test.ts:7:3)`;
    expect(tellFailure("test/a.test.ts", "a: does b", error).text).to.equal(`test/a.test.ts: a: does b: expected 1 to equal 2 ${"x".repeat(278)} [at Context.g (test/a.test.ts:7:3)]`);
    expect(tellFailure("test/a.test.ts", "a: does b", "no error at all").text).to.match(/^test\/a\.test\.ts: a: does b: no error at all/);
  });
});

describe("table of the slowest files", () => {
  it("lines: are the slowest first, as many as asked for", () => {
    expect(slowestFiles({ a: 1, b: 100.04, c: 2.26 }, 2)).to.deep.equal(["  100.0 s  b", "    2.3 s  c"]);
  });
});
