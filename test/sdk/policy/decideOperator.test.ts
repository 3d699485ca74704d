import { expect } from "chai";

import { decideOperator } from "../../../sdk/node/policy/decideOperator.ts";
import type { OperatorAction, OperatorRules, OperatorState, SeenBounty } from "../../../sdk/node/policy/OperatorState.ts";

const ETH = `0x${"0".repeat(40)}`;
const ME = `0x${"a1".repeat(20)}`;
const OTHER = `0x${"b2".repeat(20)}`;
const METER = `0x${"c3".repeat(20)}`;
const NOW = 1_000_000;

const RULES: OperatorRules = {
  token: ETH, meters: [METER], priceBase: 10n, maxStakeBase: 100n, minUnits: 5n, maxOperatorBondWei: 50n, minSilenceSeconds: 10, minGraceSeconds: 10,
  minWorkSeconds: 100, minPosterCalls: 1, maxEngagements: 1, claimUnits: 3n, claimSeconds: 60, reserveWei: 20n,
};
const BOUNTY: SeenBounty = {
  id: 4, role: "SEQUENCER", kind: "METERED", token: ETH, phase: "COMMIT", phaseEndsAt: NOW + 10, round: 1, poolBase: 1_000n, ceilingBase: 12n, stakeBase: 100n, onlyBidder: undefined,
  meter: METER, workSeconds: 1_000, minProvenCalls: 2, chain: { isKnown: true, operatorBondWei: 50n, silenceSeconds: 10, graceSeconds: 10 }, posterCalls: 1, engaged: undefined, bestBidder: undefined, bid: undefined,
};
const STATE: OperatorState = {
  nowSeconds: NOW, me: ME, agentId: 0n, provenCalls: 2, balanceWei: 170n, balanceBase: 170n, creditBase: 0n, bounties: [BOUNTY], sets: new Map(), sequencer: undefined, claimedAt: new Map(),
};
const HIRED = { bidder: ME, priceBase: 10n, finishAt: NOW + 500, unpaidUnits: 0n, hasFailed: false };

function decide(bounty: Partial<SeenBounty> = {}, state: Partial<OperatorState> = {}, rules: Partial<OperatorRules> = {}): OperatorAction[] {
  return decideOperator({ ...STATE, bounties: [{ ...BOUNTY, ...bounty }], ...state }, { ...RULES, ...rules });
}
const types = (actions: readonly OperatorAction[]): string[] => actions.map(({ type }) => type);
const member = (membership: "none" | "member" | "leaving" | "slashed", bondPayableAt?: number): OperatorState["sets"] => new Map([[4, { membership, bondPayableAt, bondWei: 50n }]]);

describe("operator by policy: bidding", () => {
  it("decideOperator: commits at its own price with the stake of the terms when all is as the policy wants it", () => {
    expect(decide()).to.deep.equal([{ type: "commit", bounty: 4, priceBase: 10n, stakeBase: 100n }]);
  });

  it("decideOperator: commits again to what is written down when it was not seen on chain", () => {
    expect(decide({ bid: { round: 1, priceBase: 11n, status: "WRITTEN" } })).to.deep.equal([{ type: "commit", bounty: 4, priceBase: 11n, stakeBase: 100n }]);
  });

  it("decideOperator: registers before it bids, and agent 0 counts as registered", () => {
    expect(types(decide({}, { agentId: undefined }))).to.deep.equal(["register"]);
    expect(types(decide({}, { agentId: 0n }))).to.deep.equal(["commit"]);
  });

  const refused: readonly [string, Partial<SeenBounty>, Partial<OperatorState>][] = [
    ["of another role", { role: "RPC_PROVIDER" }, {}],
    ["that is paid as a lump", { kind: "LUMP" }, {}],
    ["in another token", { token: OTHER }, {}],
    ["for another bidder", { onlyBidder: OTHER }, {}],
    ["with a meter that it does not know", { meter: OTHER }, {}],
    ["of a chain that is not what it says", { chain: { isKnown: false, reason: "no" } }, {}],
    ["whose meter is impatient", { chain: { isKnown: true, operatorBondWei: 50n, silenceSeconds: 9, graceSeconds: 10 } }, {}],
    ["without time to come up", { chain: { isKnown: true, operatorBondWei: 50n, silenceSeconds: 10, graceSeconds: 9 } }, {}],
    ["whose set wants more than it gives", { chain: { isKnown: true, operatorBondWei: 51n, silenceSeconds: 10, graceSeconds: 10 } }, {}],
    ["that ends too soon", { workSeconds: 99 }, {}],
    ["with a stake above the limit", { stakeBase: 101n }, {}],
    ["below its price", { ceilingBase: 9n }, {}],
    ["whose pool pays too few units", { poolBase: 49n }, {}],
    ["of a poster without proven calls", { posterCalls: 0 }, {}],
    ["of a poster without an agent", { posterCalls: undefined }, {}],
    ["that wants more reputation than it has", { minProvenCalls: 3 }, {}],
    ["that it cannot pay for", {}, { balanceWei: 169n }],
  ];
  for (const [what, bounty, state] of refused) {
    it(`decideOperator: passes over a bounty ${what}`, () => {
      expect(types(decide(bounty, state))).to.deep.equal(["pass"]);
    });
  }

  it("decideOperator: keeps stake and ETH apart when the bounty pays in a token", () => {
    const rules = { token: OTHER };
    expect(types(decide({ token: OTHER }, { balanceWei: 70n, balanceBase: 100n }, rules))).to.deep.equal(["commit"]);
    expect(types(decide({ token: OTHER }, { balanceWei: 70n, balanceBase: 99n }, rules))).to.deep.equal(["pass"]);
    expect(types(decide({ token: OTHER }, { balanceWei: 69n, balanceBase: 100n }, rules))).to.deep.equal(["pass"]);
  });

  it("decideOperator: bids once at a time, a bid that stands by counts, an old one does not", () => {
    const other = (bid: SeenBounty["bid"], more: Partial<SeenBounty> = {}): SeenBounty => ({ ...BOUNTY, id: 5, phase: "ENGAGED", engaged: { ...HIRED, bidder: OTHER }, bid, ...more });
    const both = (second: SeenBounty): string[] => types(decideOperator({ ...STATE, bounties: [BOUNTY, second] }, RULES));
    expect(both(other({ round: 1, priceBase: 10n, status: "REVEALED" }))).to.deep.equal(["pass"]);
    expect(both(other(undefined, { engaged: HIRED }))).to.include("pass");
    expect(both(other(undefined))).to.deep.equal(["commit"]);
    expect(both(other({ round: 1, priceBase: 10n, status: "REVEALED" }, { phase: "CLOSED", engaged: undefined }))).to.deep.equal(["commit", "withdrawBid"]);
  });

  it("decideOperator: reveals what it committed to in this round only", () => {
    expect(types(decide({ phase: "REVEAL", bid: { round: 1, priceBase: 10n, status: "COMMITTED" } }))).to.deep.equal(["reveal"]);
    expect(types(decide({ phase: "REVEAL", bid: { round: 1, priceBase: 10n, status: "REVEALED" } }))).to.deep.equal([]);
    expect(types(decide({ phase: "REVEAL", round: 2, bid: { round: 1, priceBase: 10n, status: "COMMITTED" } }))).to.deep.equal(["withdrawBid"]);
  });

  it("decideOperator: stands by with what it revealed while others bid anew", () => {
    expect(types(decide({ round: 2, bid: { round: 1, priceBase: 10n, status: "REVEALED" } }))).to.deep.equal([]);
    expect(types(decide({ round: 2, bid: undefined }))).to.deep.equal(["commit"]);
  });

  it("decideOperator: takes a direct award, and awards itself in the fallback when it is the best", () => {
    expect(types(decide({ phase: "AWARD", onlyBidder: ME }))).to.deep.equal(["take"]);
    expect(types(decide({ phase: "AWARD", onlyBidder: ME, posterCalls: 0 }))).to.deep.equal(["pass"]);
    expect(types(decide({ phase: "AWARD", onlyBidder: OTHER }))).to.deep.equal([]);
    const bid = { round: 1, priceBase: 10n, status: "REVEALED" } as const;
    expect(types(decide({ phase: "FALLBACK", bid, bestBidder: ME }))).to.deep.equal(["awardBest"]);
    expect(types(decide({ phase: "FALLBACK", bid, bestBidder: OTHER }))).to.deep.equal([]);
  });
});

describe("operator by policy: at work", () => {
  const hired: Partial<SeenBounty> = { phase: "ENGAGED", engaged: HIRED, bid: { round: 1, priceBase: 10n, status: "REVEALED" } };

  it("decideOperator: joins the set with its bond, then starts the process, then waits", () => {
    expect(decide(hired)).to.deep.equal([{ type: "join", bounty: 4, bondWei: 50n }]);
    expect(types(decide(hired, { sets: member("member") }))).to.deep.equal(["startSequencer"]);
    expect(types(decide(hired, { sets: member("member"), sequencer: { bounty: 4, isUp: true } }))).to.deep.equal([]);
  });

  it("decideOperator: starts a process again that has ended", () => {
    expect(types(decide(hired, { sets: member("member"), sequencer: { bounty: 4, isUp: false } }))).to.deep.equal(["startSequencer"]);
  });

  const claims: readonly [string, bigint, number, string[]][] = [
    ["nothing while nothing is confirmed", 0n, 0, []],
    ["few units after a while", 2n, NOW - 60, ["claimUnits"]],
    ["few units not sooner", 2n, NOW - 59, []],
    ["as many as are worth it at once", 3n, NOW, ["claimUnits"]],
  ];
  for (const [what, unpaidUnits, claimedAt, expected] of claims) {
    it(`decideOperator: claims ${what}`, () => {
      const state = { sets: member("member"), sequencer: { bounty: 4, isUp: true }, claimedAt: new Map([[4, claimedAt]]) };
      expect(types(decide({ ...hired, engaged: { ...HIRED, unpaidUnits } }, state))).to.deep.equal(expected);
    });
  }

  it("decideOperator: ends the work when its time is over", () => {
    const state = { sets: member("member"), sequencer: { bounty: 4, isUp: true } };
    expect(types(decide({ ...hired, engaged: { ...HIRED, finishAt: NOW } }, state))).to.deep.equal(["finish"]);
  });

  it("decideOperator: after the work ends the process first, then leaves the set, and takes the bond when it is payable", () => {
    const closed: Partial<SeenBounty> = { phase: "CLOSED", engaged: undefined };
    expect(types(decide(closed, { sets: member("member"), sequencer: { bounty: 4, isUp: true } }))).to.deep.equal(["stopSequencer"]);
    expect(types(decide(closed, { sets: member("member") }))).to.deep.equal(["leaveSet"]);
    expect(types(decide(closed, { sets: member("leaving", NOW + 1) }))).to.deep.equal([]);
    expect(types(decide(closed, { sets: member("leaving", NOW) }))).to.deep.equal(["withdrawBond"]);
    expect(types(decide(closed, { sets: member("slashed") }))).to.deep.equal([]);
  });

  it("decideOperator: stops working when another is hired in its place, and takes the stake of a bounty that is closed", () => {
    const other = { ...HIRED, bidder: OTHER };
    expect(types(decide({ phase: "ENGAGED", engaged: other }, { sets: member("member"), sequencer: { bounty: 4, isUp: true } }))).to.deep.equal(["stopSequencer"]);
    expect(types(decide({ phase: "CLOSED", bid: { round: 1, priceBase: 10n, status: "REVEALED" } }))).to.deep.equal(["withdrawBid"]);
  });

  it("decideOperator: takes what the board owes it", () => {
    expect(decide({ phase: "CLOSED" }, { creditBase: 7n })).to.deep.equal([{ type: "withdrawCredit", amountBase: 7n }]);
  });
});
