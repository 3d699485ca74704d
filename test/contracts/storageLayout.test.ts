import { readFileSync } from "node:fs";

import { expect } from "chai";

import { LAID_OUT, LAYOUT_FILE } from "../../scripts/layout.ts";
import { storageLayouts } from "../../scripts/layout/storageLayouts.ts";

describe("storage layout", () => {
  it("snapshot: is current (if a change is meant: npm run layout, then commit)", async () => {
    expect(await storageLayouts(LAID_OUT)).to.deep.equal(JSON.parse(readFileSync(LAYOUT_FILE, "utf8")));
  });
});
