import { expect } from "chai";

import { affordableEntries, entriesCost, entryBond, movesOfGame, shareBond } from "./bondModel.ts";
import { disputeBound, exploreRound } from "./exploreRound.ts";
import type { HonestPolicy } from "./exploreRound.ts";
import type { ModelTimes } from "./RoundModel.ts";

const LONG_WINDOW: ModelTimes = { window: 2, join: 1, clock: 1, increment: 1 };
const SHORT: ModelTimes = { window: 1, join: 1, clock: 1, increment: 1 };

function explore(times: ModelTimes, policy: HonestPolicy, maxEntries?: number): ReturnType<typeof exploreRound> {
  const found = exploreRound(times, policy, maxEntries);
  console.log(`      ${policy}: ${found.states} states, ${found.moves} moves, last end in slot ${found.latestEnd} of ${disputeBound(times)}`);
  return found;
}

describe("dispute round, every order of calls of 4 backers of 3 claims", function () {
  this.timeout(200_000);

  // Two slots with four backers: npm run model, which takes minutes.
  for (const [name, times, backers, states] of [["one slot for rivals, four backers", SHORT, 4, 300_000], ["two slots for rivals, three backers", LONG_WINDOW, 3, 17_000]] as const) {
    it(`round: only the true claim is confirmed, by the bound, when one honest backer plays as late as it may (${name})`, () => {
      const found = explore(times, "backs", backers);
      expect(found.states).to.be.greaterThan(states);
      expect(found.confirmed[0]).to.be.greaterThan(0);
      expect(found.confirmed.slice(1)).to.deep.equal([0, 0]);
      expect(found.allFell).to.equal(0);
      expect(found.latestEnd).to.equal(disputeBound(times));
    });
  }

  // With four of them, and with more time for rivals: npm run model, which takes minutes.
  it("round: always has a way forward and conserves money when nobody is honest, with three backers", () => {
    const found = explore(SHORT, "absent", 3);
    expect(found.allFell).to.be.greaterThan(0);
    expect(Math.min(...found.confirmed)).to.be.greaterThan(0);
  });

  it("round: the model finds the saboteur when the honest party relies on somebody else's backing", () => {
    expect(() => exploreRound(SHORT, "trusts")).to.throw(/true claim fell|false claim can be confirmed/);
  });
});

describe("bond arithmetic", () => {
  it("shares: add up to the bond and burn at least half of what is left after the gas", () => {
    for (let bond = 1; bond < 2_000; bond += 7) {
      for (const gas of [0, 1, 16, 500]) {
        const { refund, reward, burned } = shareBond(bond, gas, 100);
        expect(refund + reward + burned).to.equal(bond);
        expect(burned).to.be.at.least((bond - refund) / 2);
        expect(burned).to.be.greaterThan(0);
      }
    }
  });

  it("entries: the closed form is the sum, and the budget buys no entry more", () => {
    let sum = 0;
    for (let n = 0; n < 500; n++) {
      expect(entriesCost(n)).to.be.closeTo(sum / 32, 1e-6);
      expect(affordableEntries(entriesCost(n) + 1e-6)).to.equal(n);
      sum += entryBond(32, n);
    }
  });

  it("moves: a game needs 1 + log_k moves before its proof, and at least two", () => {
    expect([2, 4, 16].map((k) => movesOfGame(2 ** 16, k))).to.deep.equal([17, 9, 5]);
    expect([1, 2, 3, 15, 16, 17].map((n) => movesOfGame(n, 16))).to.deep.equal([2, 2, 2, 2, 2, 3]);
  });
});
