import { expect } from "chai";

import { BOUNDS } from "../../scripts/soak/bounds.ts";
import { judge } from "../../scripts/soak/judge.ts";
import type { Sample } from "../../scripts/soak/sample.ts";

const COUNTS = { channel: 100_000, call: 0, exact: 0 };
const KEPT = 10_000;

function sample(part: number, changed: Partial<Sample> = {}): Sample {
  return { atSeconds: 100 * part, part, rssMiB: 300, heapMiB: 60, externalMiB: 15, handles: 100, diskMiB: 10, cpuSeconds: 1, ...changed };
}

function steady(last: Partial<Sample>): Sample[] {
  return [sample(0.1), sample(0.2), sample(0.6), sample(1, last)];
}

describe("soak: what a run is judged by", () => {
  it("soak: is content with a run in which nothing grows", () => {
    expect(judge("shop", "seller", steady({}), COUNTS, KEPT)).to.deep.equal([]);
  });

  for (const [of, value] of Object.entries({
    rssMiB: BOUNDS.memoryMiB + 1, heapMiB: 60 + BOUNDS.heapGrowthMiB + 1, externalMiB: 15 + BOUNDS.externalGrowthMiB + 1, handles: 100 + BOUNDS.handlesGrowth + 1, diskMiB: BOUNDS.diskAtRestMiB + 1,
  })) {
    it(`soak: fails when ${of} is one above its bound`, () => {
      expect(judge("shop", "seller", steady({ [of]: value - 1 }), COUNTS, KEPT)).to.deep.equal([]);
      expect(judge("shop", "seller", steady({ [of]: value }), COUNTS, KEPT)).to.have.length(1);
    });
  }

  it("soak: lets a buyer's disk grow with receipts only as far as they are kept", () => {
    const allowedMiB = Math.ceil(BOUNDS.diskAtRestMiB + ((KEPT + BOUNDS.receiptsSlack) * BOUNDS.diskPerExchange.buyer.channel) / 2 ** 20);
    expect(judge("shop", "buyer", steady({ diskMiB: allowedMiB }), COUNTS, KEPT)).to.deep.equal([]);
    expect(judge("shop", "buyer", steady({ diskMiB: allowedMiB + 1 }), COUNTS, KEPT)).to.have.length(1);
  });

  it("soak: counts the warm-up by what was done when the run was ended early", () => {
    const ended = [sample(0.02), sample(0.04), sample(0.2, { heapMiB: 60 + BOUNDS.heapGrowthMiB + 1 })];
    expect(judge("shop", "seller", ended, COUNTS, KEPT)).to.have.length(1);
  });

  it("soak: fails a run that was too short to see anything grow", () => {
    const blind = [sample(0.5), sample(1)];
    expect(judge("shop", "seller", blind, COUNTS, KEPT)).to.have.length(1);
  });
});
