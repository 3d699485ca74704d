import { readdirSync, readFileSync } from "node:fs";

import { expect } from "chai";

const FOLDER = new URL("../../contracts/root/", import.meta.url);

describe("clocks", () => {
  it("contracts/root: reads block.timestamp only, because a chain's block.number may be its parent's", () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith(".sol"));
    expect(files).to.include.members(["Settlement.sol", "BisectionGame.sol", "Inbox.sol", "Bridge.sol"]);
    expect(files.filter((name) => readFileSync(new URL(name, FOLDER), "utf8").includes("block.number"))).to.deep.equal([]);
  });
});
