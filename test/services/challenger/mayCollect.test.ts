import { expect } from "chai";

import { mayCollect } from "../../../services/challenger/decide/mayCollect.ts";
import type { DisputeAlarm } from "../../../services/challenger/decide/DisputeAction.ts";

const limits = { calmCapWei: 100n };
const low: DisputeAlarm = { code: "challenger/low-balance", detail: "", values: {} };

describe("challenger: when money is fetched", () => {
  it("deadline under way or dear gas: waits", () => {
    expect(mayCollect([], false, 50n, limits)).to.equal(true);
    expect(mayCollect([], true, 1n, limits)).to.equal(false);
    expect(mayCollect([], false, 51n, limits)).to.equal(false);
  });

  it("balance too low for the moves: does not wait, or a liar that keeps a deadline running would starve them", () => {
    expect(mayCollect([low], true, 51n, limits)).to.equal(true);
  });
});
