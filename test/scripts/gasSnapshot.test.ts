import { expect } from "chai";

import { compareGas, exceedingLimits, formatGas } from "../../scripts/gas/gasSnapshot.ts";

describe("gas snapshot", () => {
  it("comparison: is empty when every figure agrees", () => {
    expect(compareGas({ a: { x: 1 } }, { a: { x: 1 } })).to.deep.equal([]);
  });

  it("comparison: names each call when it is dearer, cheaper, new or gone", () => {
    const before = { a: { cheaper: 9, dearer: 1, gone: 5 } };
    const after = { a: { cheaper: 7, dearer: 4, fresh: 6 } };
    expect(compareGas(before, after)).to.deep.equal([
      "a: cheaper: 9 -> 7 (-2)",
      "a: dearer: 1 -> 4 (+3)",
      "a: fresh: new, 6",
      "a: gone: gone, was 5",
    ]);
  });

  it("one-step limit: is exceeded when a proof takes two million gas", () => {
    const figures = { "OneStepProver.step INVOKE": 1_999_999, "OneStepProver.step COMPOSE": 2_000_000, "Inbox.post": 3_000_000 };
    const excesses = exceedingLimits({ prover: figures });
    expect(excesses).to.have.length(1);
    expect(excesses[0]).to.match(/COMPOSE/);
  });

  it("format: is the same when areas and calls come in another order", () => {
    expect(formatGas({ b: { y: 1, x: 2 }, a: {} })).to.equal(formatGas({ a: {}, b: { x: 2, y: 1 } }));
  });
});
