import { expect } from "chai";

import { planTestGroups } from "../../scripts/testing/testGroup.ts";
import type { TestGroup } from "../../scripts/testing/testGroup.ts";

const group = (name: string, ...files: string[]): TestGroup => ({ name, worker: "mochaWorker.ts", files });
const GROUPS = [group("core", "a"), group("chain", "b", "c"), group("services", "d"), group("e2e", "e", "f")];

describe("plan of test groups", () => {
  it("two cores: what measures runs alone, stories file by file beside all others, and nothing is left out", () => {
    const { alone, stories, others } = planTestGroups(GROUPS, 2);
    expect(alone.map(({ name }) => name)).to.deep.equal(["core"]);
    expect(stories.map(({ name, files }) => [name, ...files])).to.deep.equal([["e2e", "e"], ["e2e", "f"]]);
    expect(others.map(({ name }) => name)).to.deep.equal(["chain", "services"]);
    expect([...alone, ...stories, ...others].flatMap(({ files }) => files)).to.have.members(GROUPS.flatMap(({ files }) => files));
  });

  it("one core, or no stories: everything runs alone, in order", () => {
    expect(planTestGroups(GROUPS, 1)).to.deep.equal({ alone: GROUPS, stories: [], others: [] });
    expect(planTestGroups(GROUPS.slice(0, 3), 8)).to.deep.equal({ alone: GROUPS.slice(0, 3), stories: [], others: [] });
  });
});
