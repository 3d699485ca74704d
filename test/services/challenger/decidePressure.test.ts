import { expect } from "chai";

import { decidePressure } from "../../../chain/transactions/decidePressure.ts";
import type { LanePressure } from "../../../chain/transactions/TransactionManager.ts";
import { decideCollection } from "../../../services/challenger/decide/decideCollection.ts";
import type { DisputeCall } from "../../../services/challenger/decide/DisputeAction.ts";
import { DISPUTE_PRESSURE, timedCalls } from "../../../services/challenger/decide/timedCalls.ts";
import { STORY_RULES } from "../../builders/disputeStory.ts";

const GWEI = 1_000_000_000n;
const LIMITS = { calmCapWei: 100n * GWEI, maxCapWei: 2_000n * GWEI, stakeWei: 0n };
const RULES = { ...STORY_RULES, bondWei: 10n ** 18n };

function open(deadline: number): DisputeCall {
  return { type: "open", epoch: 0, claimId: "0xc1", roundId: "0x01", n: 0, valueWei: 0n, deadline };
}

function pressureOf(calls: readonly DisputeCall[], rules: typeof RULES, limits: typeof LIMITS): LanePressure | undefined {
  return decidePressure(timedCalls(calls, rules), 0, DISPUTE_PRESSURE, limits);
}

describe("challenger's fees", () => {
  it("nothing with a deadline: the limits are those of calm times", () => {
    expect(pressureOf([], RULES, LIMITS)).to.equal(undefined);
    expect(pressureOf([{ type: "confirm", epoch: 0, claimId: "0x", valueWei: 0n, deadline: Infinity }], RULES, LIMITS)).to.equal(undefined);
  });

  it("deadline: the cap rises from half of the time on and is at its top at a tenth", () => {
    const capAt = (left: number): bigint => pressureOf([open(left)], RULES, LIMITS)!.maxFeeCapWei / GWEI;
    expect([600, 300, 180, 60, 1, 0].map(capAt)).to.deep.equal([100n, 100n, 1_050n, 2_000n, 2_000n, 2_000n]);
  });

  it("stake: no call may cost more than a bond, or what the operator says", () => {
    const poor = pressureOf([open(1)], { ...RULES, bondWei: 10n ** 17n }, LIMITS);
    expect(poor?.maxFeeCapWei).to.equal(250n * GWEI);
    expect(pressureOf([open(1)], { ...RULES, bondWei: 1n }, { ...LIMITS, stakeWei: 10n ** 18n })?.maxFeeCapWei).to.equal(2_000n * GWEI);
    const poorest = pressureOf([open(1)], { ...RULES, bondWei: 1n }, LIMITS);
    expect(poorest?.maxFeeCapWei).to.equal(LIMITS.calmCapWei);
  });

  it("many deadlines: the nearest one counts for the whole lane", () => {
    const both = pressureOf([open(600), open(16)], RULES, LIMITS);
    expect(both).to.deep.equal({ maxFeeCapWei: 2_000n * GWEI, bumpAfterMs: 1_000 });
  });
});

describe("challenger's collecting", () => {
  const nothing = { bonds: [], games: [], openings: [], creditWei: 0n };

  it("credit: is fetched in one call once everything else is credited", () => {
    expect(decideCollection(nothing)).to.deep.equal([]);
    expect(decideCollection({ ...nothing, creditWei: 5n }).map(({ type }) => type)).to.deep.equal(["withdraw"]);
    const calls = decideCollection({ bonds: [{ roundId: "0x1", n: 0, voidParent: undefined }], games: [{ roundId: "0x1", i: 0, j: 1 }], openings: [{ roundId: "0x1", n: 0 }], creditWei: 5n });
    expect(calls.map(({ type }) => type)).to.deep.equal(["release", "settle", "settleOpening"]);
  });

  it("children of a void claim: their parent is marked once, then their bonds come back", () => {
    const bonds = [{ roundId: "0x1", n: 0, voidParent: "0xab" }, { roundId: "0x1", n: 3, voidParent: "0xab" }];
    expect(decideCollection({ ...nothing, bonds, creditWei: 5n })).to.deep.equal([{ type: "reject", claimId: "0xab", valueWei: 0n, deadline: Infinity }]);
  });
});
