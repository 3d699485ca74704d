import { expect } from "chai";

import { EMPTY_REPORT } from "../../scripts/testing/testReport.ts";
import type { GroupOutcome } from "../../scripts/testing/runTestGroup.ts";
import type { TestGroup } from "../../scripts/testing/testGroup.ts";
import { TestTotals } from "../../scripts/testing/TestTotals.ts";

const group = (name: string, ...files: string[]): TestGroup => ({ name, worker: "mochaWorker.ts", files: files.map((file) => `/project/${file}`) });

/** What a group came to, file by file. */
function outcome(files: Record<string, [passed: number, failed: number]>, problems: string[] = []): GroupOutcome {
  const entries = Object.entries(files);
  return {
    ...EMPTY_REPORT,
    passed: entries.reduce((sum, [, [passed]]) => sum + passed, 0),
    failed: entries.reduce((sum, [, [, failed]]) => sum + failed, 0),
    fileCounts: Object.fromEntries(entries.map(([file, [passed, failed]]) => [file, { passed, failed }])),
    failures: entries.filter(([, [, failed]]) => failed > 0).map(([file]) => ({ file, text: `${file}: broke` })),
    problems,
    seconds: 1,
  };
}

describe("totals of all tests", () => {
  it("suspects: are the files that failed, and stories with a problem of their own; none when all is well", () => {
    const totals = new TestTotals("/project");
    totals.add(group("core", "a", "b"), outcome({ a: [3, 0], b: [2, 1] }));
    totals.add(group("e2e", "c"), outcome({ c: [1, 0] }, ["left something running after its last test"]));
    totals.add(group("e2e", "d"), outcome({ d: [1, 0] }));
    totals.add(group("services", "e", "f"), outcome({ e: [1, 0], f: [1, 0] }, ["took too long"]));
    totals.add({ ...group("solidity", "g"), worker: "solidityWorker.ts" }, outcome({ g: [1, 1] }));
    expect(totals.suspects().map(({ name, files }) => [name, ...files])).to.deep.equal([["core", "/project/b"], ["e2e", "/project/c"]]);
  });

  it("suspects: are none when more failed than bad luck explains", () => {
    const totals = new TestTotals("/project");
    totals.add(group("core", ..."abcdef"), outcome(Object.fromEntries([..."abcdef"].map((file) => [file, [0, 1]]))));
    expect(totals.suspects()).to.deep.equal([]);
    expect(totals.group("core")).to.deep.include({ passed: 0, failed: 6 });
  });

  it("replace: counts a file as it was alone, names what had failed, and keeps what failed again", () => {
    const totals = new TestTotals("/project");
    totals.add(group("core", "a", "b", "c"), outcome({ a: [3, 0], b: [2, 1], c: [0, 2] }));
    totals.add(group("e2e", "d"), outcome({}, ["ended without a report, with SIGKILL"]));
    totals.replace(group("core", "b"), outcome({ b: [5, 0] }));
    totals.replace(group("core", "c"), outcome({ c: [1, 1] }));
    totals.replace(group("e2e", "d"), outcome({ d: [4, 0] }));
    expect(totals.group("core")).to.deep.include({ passed: 8, failed: 2, problems: [] });
    expect(totals.group("e2e")).to.deep.include({ passed: 4, failed: 0, problems: [] });
    expect(totals.failures).to.deep.equal(["c: broke"]);
    expect(totals.passedAlone).to.deep.equal(["b: broke", "d: ended without a report, with SIGKILL"]);
  });

  it("replace: takes nothing from a second run that ran no test", () => {
    const totals = new TestTotals("/project");
    totals.add(group("core", "a"), outcome({ a: [1, 1] }));
    totals.replace(group("core", "a"), outcome({}, ["ran no test at all"]));
    expect(totals.group("core")).to.deep.include({ passed: 1, failed: 1 });
    expect(totals.passedAlone).to.deep.equal([]);
  });
});
