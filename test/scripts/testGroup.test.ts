import { expect } from "chai";

import { planTestGroups } from "../../scripts/testing/testGroup.ts";
import type { TestGroup } from "../../scripts/testing/testGroup.ts";

const group = (name: string, ...files: string[]): TestGroup => ({ name, worker: "mochaWorker.ts", files });
const GROUPS = [group("core", "a"), group("chain", "b", "c"), group("services", "d"), group("e2e", "e", "f")];

const ALL = [group("core", "g"), group("solidity", "h"), group("deploy", "i"), group("bench", "j"), ...GROUPS.slice(1)];

describe("plan of test groups", () => {
  it("two cores: what builds runs beside what is busy, then stories file by file beside all others, and nothing is left out", () => {
    const { building, busy, stories, others } = planTestGroups(ALL, 2);
    expect(building.map(({ name }) => name)).to.deep.equal(["solidity", "deploy"]);
    expect(busy.map(({ name }) => name)).to.deep.equal(["core", "bench"]);
    expect(stories.map(({ name, files }) => [name, ...files])).to.deep.equal([["e2e", "e"], ["e2e", "f"]]);
    expect(others.map(({ name }) => name)).to.deep.equal(["chain", "services"]);
    expect([...building, ...busy, ...stories, ...others].flatMap(({ files }) => files)).to.have.members(ALL.flatMap(({ files }) => files));
  });

  it("one core, or no stories: everything runs one after the other, in order", () => {
    expect(planTestGroups(GROUPS, 1)).to.deep.equal({ building: GROUPS, busy: [], stories: [], others: [] });
    expect(planTestGroups(GROUPS.slice(0, 3), 8)).to.deep.equal({ building: GROUPS.slice(0, 3), busy: [], stories: [], others: [] });
  });
});
