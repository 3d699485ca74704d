import { expect } from "chai";

import { chooseBid, decidePatron } from "../../../sdk/node/policy/decidePatron.ts";
import type { PatronAction, PatronBounty, PatronRules, PatronState, SeenBid } from "../../../sdk/node/policy/PatronState.ts";

const NOW = 1_000_000;
const [A, B, C] = ["a1", "b2", "c3"].map((byte) => `0x${byte.repeat(20)}`) as [string, string, string];
const RULES: PatronRules = { poolBase: 1_000n, minBidderCalls: 2, minBidderScore: 50, isForgiving: false, closeAfterSeconds: 500 };
const BOUNTY: PatronBounty = { id: 1, phase: "AWARD", postedAt: NOW - 10, round: 1, maxRounds: 2, poolBase: 1_000n, bids: [], engaged: undefined, refundBase: 0n };
const STATE: PatronState = { nowSeconds: NOW, bounty: BOUNTY, balanceBase: 1_000n, creditBase: 0n, failed: [] };
const WORK = { bidder: A, priceBase: 10n, hasFailed: false, finishAt: NOW + 100 };

const bid = (bidder: string, priceBase: bigint, more: Partial<SeenBid> = {}): SeenBid => ({ bidder, agentId: 0n, priceBase, isLive: true, calls: 2, score: 50, ...more });
const decide = (bounty: Partial<PatronBounty>, state: Partial<PatronState> = {}): PatronAction[] => decidePatron({ ...STATE, bounty: { ...BOUNTY, ...bounty }, ...state }, RULES);
const types = (actions: readonly PatronAction[]): string[] => actions.map(({ type }) => type);

describe("patron by policy", () => {
  it("decidePatron: posts once, and only with the money for it", () => {
    expect(types(decidePatron({ ...STATE, bounty: undefined }, RULES))).to.deep.equal(["post"]);
    expect(types(decidePatron({ ...STATE, bounty: undefined, balanceBase: 999n }, RULES))).to.deep.equal(["wait"]);
  });

  it("decidePatron: adds what is missing in the pool", () => {
    expect(decide({ phase: "FUNDING", poolBase: 400n })).to.deep.equal([{ type: "fund", amountBase: 600n }]);
    expect(types(decide({ phase: "FUNDING", poolBase: 400n }, { balanceBase: 599n }))).to.deep.equal(["wait"]);
    expect(types(decide({ phase: "FUNDING" }))).to.deep.equal([]);
  });

  const choices: readonly [string, SeenBid[], string | undefined][] = [
    ["the cheapest", [bid(A, 12n), bid(B, 10n), bid(C, 11n)], B],
    ["of equals the one with more proven calls", [bid(A, 10n), bid(B, 10n, { calls: 3 })], B],
    ["of equals in everything the first", [bid(A, 10n), bid(B, 10n)], A],
    ["none that has proven too little", [bid(A, 9n, { calls: 1 }), bid(B, 10n)], B],
    ["none that is rated too low", [bid(A, 9n, { score: 49 }), bid(B, 10n)], B],
    ["one without ratings", [bid(A, 9n, { score: undefined }), bid(B, 10n)], A],
    ["none that is withdrawn", [bid(A, 9n, { isLive: false }), bid(B, 10n)], B],
    ["none that the pool cannot pay", [bid(A, 1_001n)], undefined],
    ["none of agent nobody", [], undefined],
  ];
  for (const [what, bids, expected] of choices) {
    it(`chooseBid: takes ${what}`, () => {
      expect(chooseBid(bids, RULES, 1_000n, [])?.bidder).to.equal(expected);
    });
  }

  it("chooseBid: passes over who failed before, unless the policy forgives", () => {
    const bids = [bid(A, 9n), bid(B, 10n)];
    expect(chooseBid(bids, RULES, 1_000n, [A])?.bidder).to.equal(B);
    expect(chooseBid(bids, { ...RULES, isForgiving: true }, 1_000n, [A])?.bidder).to.equal(A);
  });

  it("decidePatron: awards in its own time only, and waits when no bid is fit", () => {
    expect(decide({ bids: [bid(A, 10n)] })).to.deep.equal([{ type: "award", bid: bid(A, 10n) }]);
    expect(types(decide({ bids: [bid(A, 10n, { calls: 0 })] }))).to.deep.equal(["wait"]);
    for (const phase of ["COMMIT", "REVEAL", "FALLBACK"] as const) expect(types(decide({ phase, bids: [bid(A, 10n)] }))).to.deep.equal([]);
  });

  it("decidePatron: has a silent operator slashed, and hires the next", () => {
    expect(decide({ phase: "ENGAGED", engaged: { ...WORK, hasFailed: true } })).to.deep.equal([{ type: "fail", bidder: A }]);
    expect(types(decide({ phase: "ENGAGED", engaged: WORK }))).to.deep.equal([]);
    expect(decide({ bids: [bid(B, 10n)] }, { failed: [A] })[0]).to.deep.equal({ type: "award", bid: bid(B, 10n) });
  });

  it("decidePatron: ends work whose time is over", () => {
    expect(types(decide({ phase: "ENGAGED", engaged: { ...WORK, finishAt: NOW } }))).to.deep.equal(["finish"]);
  });

  it("decidePatron: begins another round while there is one, then closes", () => {
    expect(types(decide({ phase: "LAPSED" }))).to.deep.equal(["reopen"]);
    expect(types(decide({ phase: "LAPSED", round: 2 }))).to.deep.equal(["close"]);
    expect(types(decide({ phase: "LAPSED", round: 0 }))).to.deep.equal(["close"]);
    expect(types(decide({ phase: "LAPSED", poolBase: 0n }))).to.deep.equal(["close"]);
  });

  it("decidePatron: closes what nobody does for long, never while somebody is at work, and takes its money back", () => {
    expect(types(decide({ postedAt: NOW - 500, bids: [bid(A, 10n)] }))).to.deep.equal(["close"]);
    expect(types(decide({ postedAt: NOW - 500, phase: "ENGAGED", engaged: WORK }))).to.deep.equal([]);
    expect(decide({ phase: "CLOSED", refundBase: 5n }, { creditBase: 3n })).to.deep.equal([{ type: "refund", amountBase: 5n }, { type: "withdrawCredit", amountBase: 3n }]);
    expect(types(decide({ phase: "CLOSED" }))).to.deep.equal([]);
  });
});
