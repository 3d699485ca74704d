import { expect } from "chai";

import { decidePressure } from "../../../chain/transactions/decidePressure.ts";
import { committablePeriod, decide, uptimeOf } from "../../../services/prober/decide/decide.ts";
import { REVEAL_PRESSURE, timedCalls } from "../../../services/prober/decide/timedCalls.ts";
import type { KnownEngagement } from "../../../services/prober/read/EngagementBook.ts";
import { isAcceptable } from "../../../services/prober/read/isAcceptable.ts";
import type { Acceptance } from "../../../services/prober/read/isAcceptable.ts";
import type { EngagementView, ProberCall, ProberPolicy, ProberState } from "../../../services/prober/decide/ProberState.ts";

const KEY = "0xkey";
const BEGUN = 1_000;
const POLICY: ProberPolicy = { minCoveragePercent: 80, sampleMs: 10_000, stakeWei: 0n, isLeaving: false, tallyAfterSeconds: 30 };
const SECRET = { uptimeBps: 9_000, salt: "0xsalt" };

/** Periods of 100 s, then 40 s to commit and 50 s to reveal. */
function view(change: Partial<EngagementView> = {}): EngagementView {
  return { key: KEY, begunAt: BEGUN, periodSeconds: 100, commitSeconds: 40, revealSeconds: 50, isOpen: true, url: "http://a", rank: 0, measures: new Map(), secrets: new Map(), attestations: new Map([[0, "none"]]), oldest: undefined, requests: [], ...change };
}

function at(now: number, engagement: Partial<EngagementView> = {}, state: Partial<ProberState> = {}, policy: Partial<ProberPolicy> = {}) {
  return decide({ now, stakeWei: 1_300n, lockedWei: 300n, isNew: false, payableAt: undefined, penaltyWei: 100n, engagements: [view(engagement)], ...state }, { ...POLICY, ...policy });
}

/** All but the deadlines. */
const brief = (actions: ReturnType<typeof decide>): string[] => actions.map((action) => (action.type === "alarm" ? action.code : action.type === "join" ? `join ${action.valueWei}` : "period" in action ? `${action.type} ${action.period}` : action.type));

const measured = { measures: new Map([[0, { ok: 9, total: 10 }]]) };

describe("prober: decide", () => {
  it("committablePeriod: the one that is over, while its commit phase lasts", () => {
    const cases = [[999, undefined], [1_000, undefined], [1_099, undefined], [1_100, 0], [1_139, 0], [1_140, undefined], [1_200, 1]] as const;
    for (const [now, period] of cases) expect(committablePeriod(view(), now), String(now)).to.equal(period);
  });

  it("uptimeOf: rounds down, and is nothing without samples", () => {
    expect([uptimeOf({ ok: 2, total: 3 }), uptimeOf({ ok: 3, total: 3 }), uptimeOf({ ok: 0, total: 0 })]).to.deep.equal([6_666, 10_000, 0]);
  });

  it("commit: to what was measured, in the commit phase", () => {
    expect(at(1_100, measured)).to.deep.equal([{ type: "commit", key: KEY, period: 0, uptimeBps: 9_000, deadline: 1_140 }]);
    expect(at(1_140, measured)).to.deep.equal([]);
  });

  it("commit: not again when the chain has one, nor when the bounty is over", () => {
    expect(at(1_110, { ...measured, attestations: new Map([[0, "committed"]]), secrets: new Map([[0, SECRET]]) })).to.deep.equal([]);
    expect(at(1_110, { ...measured, isOpen: false })).to.deep.equal([]);
  });

  it("commit: to the value that was kept, whatever was measured since", () => {
    const secrets = new Map([[0, { uptimeBps: 5, salt: "0x" }]]);
    expect(at(1_110, { ...measured, secrets })).to.deep.equal([{ type: "commit", key: KEY, period: 0, uptimeBps: 5, deadline: 1_140 }]);
  });

  it("commit: not to a period of which a part was missed, nor without any sample, nor to an unknown endpoint", () => {
    expect(brief(at(1_110, { measures: new Map([[0, { ok: 7, total: 7 }]]) }))).to.deep.equal(["prober/thin"]);
    expect(brief(at(1_110, { measures: new Map([[0, { ok: 8, total: 8 }]]) }))).to.deep.equal(["commit 0"]);
    expect(at(1_110)).to.deep.equal([]);
    expect(brief(at(1_110, { ...measured, url: undefined }))).to.deep.equal(["prober/no-endpoint"]);
  });

  it("commit: as far as the free stake covers a penalty for each, and not while leaving", () => {
    const engagements = ["0xa", "0xb", "0xc"].map((key) => view({ ...measured, key }));
    expect(brief(at(1_110, {}, { engagements, stakeWei: 550n }))).to.deep.equal(["commit 0", "commit 0", "prober/no-stake"]);
    expect(at(1_110, measured, { payableAt: 9_999 })).to.deep.equal([]);
  });

  it("reveal: what the chain has a commitment of, in the reveal phase, also while leaving and when the bounty is over", () => {
    const committed = { secrets: new Map([[0, SECRET]]), attestations: new Map([[0, "committed" as const]]) };
    expect(at(1_139, committed)).to.deep.equal([]);
    for (const change of [{}, { isOpen: false }]) expect(at(1_140, { ...committed, ...change }, { payableAt: 9_999 })).to.deep.equal([{ type: "reveal", key: KEY, period: 0, secret: SECRET, deadline: 1_190 }]);
    expect(at(1_150, { ...committed, attestations: new Map([[0, "revealed" as const]]) })).to.deep.equal([]);
    expect(brief(at(1_190, committed))).to.deep.equal(["prober/missed"]);
  });

  it("reveal: of one period while another is committed to, when phases are longer than periods", () => {
    const long = { revealSeconds: 150, secrets: new Map([[0, SECRET]]), measures: new Map([[1, { ok: 10, total: 10 }]]), attestations: new Map([[0, "committed" as const], [1, "none" as const]]) };
    expect(brief(at(1_200, long))).to.deep.equal(["reveal 0", "commit 1"]);
  });

  it("tally: when those before it on the panel had time to", () => {
    const due = { oldest: 0, isOpen: false };
    expect([at(1_219, due), brief(at(1_220, due))]).to.deep.equal([[], ["tally 0"]]);
    expect([at(1_249, { ...due, rank: 1 }), brief(at(1_250, { ...due, rank: 1 }))]).to.deep.equal([[], ["tally 0"]]);
  });

  it("publish: what was asked for", () => {
    expect(brief(at(1_190, { requests: [{ period: 4, salt: "0x" }] }))).to.deep.equal(["publish 4"]);
  });

  it("join: once, if it may, and nothing else before it", () => {
    expect(brief(at(1_110, measured, { isNew: true, stakeWei: 0n, lockedWei: 0n }, { stakeWei: 5n }))).to.deep.equal(["join 5"]);
    expect(brief(at(1_110, measured, { isNew: true, stakeWei: 0n, lockedWei: 0n }))).to.deep.equal(["prober/no-stake"]);
  });

  it("leave: commits to nothing, unbonds, and takes the stake when it is due and nothing is locked", () => {
    const leaving = { isLeaving: true, stakeWei: 5n };
    expect(brief(at(1_110, measured, {}, leaving))).to.deep.equal(["unbond"]);
    expect(brief(at(1_110, measured, { isNew: true, stakeWei: 0n, lockedWei: 0n }, leaving))).to.deep.equal([]);
    expect(brief(at(1_110, measured, { payableAt: 1_111, lockedWei: 0n }, leaving))).to.deep.equal([]);
    expect(brief(at(1_111, measured, { payableAt: 1_111 }, leaving))).to.deep.equal([]);
    expect(brief(at(1_111, measured, { payableAt: 1_111, lockedWei: 0n }, leaving))).to.deep.equal(["withdrawStake"]);
    const committed = { secrets: new Map([[0, SECRET]]), attestations: new Map([[0, "committed" as const]]) };
    expect(brief(at(1_150, committed, { payableAt: 1_111 }, leaving))).to.deep.equal(["reveal 0"]);
  });

  it("decidePressure: calm while there is time, up to the penalty for a reveal that is late", () => {
    const limits = { calmCapWei: 100n, maxCapWei: 1_000n, stakeWei: 0n };
    const reveal = (deadline: number): ProberCall => ({ type: "reveal", key: KEY, period: 0, secret: SECRET, deadline });
    const pressureOf = (call: ProberCall, penaltyWei = 10n ** 9n) => decidePressure(timedCalls([call], () => 50, penaltyWei), 1_000, REVEAL_PRESSURE, limits);
    expect(pressureOf({ type: "tally", key: KEY, period: 0, deadline: Infinity })).to.equal(undefined);
    expect(pressureOf(reveal(1_025))).to.deep.equal({ maxFeeCapWei: 100n, bumpAfterMs: 1_562.5 });
    expect(pressureOf(reveal(1_024))?.maxFeeCapWei).to.equal(1_000n);
    expect(pressureOf(reveal(1_024), 50_000_000n)?.maxFeeCapWei).to.equal(500n);
    expect(pressureOf(reveal(1_024), 0n)?.maxFeeCapWei).to.equal(100n);
    expect(pressureOf({ type: "commit", key: KEY, period: 0, uptimeBps: 1, deadline: 1_001 })).to.deep.equal({ maxFeeCapWei: 100n, bumpAfterMs: 1_000 });
  });
});

describe("prober: isAcceptable", () => {
  const [self, friend, stranger, other, board] = ["0xaa", "0xbb", "0xcc", "0xdd", "0xee"] as const;
  const known = (panel: readonly string[], change: Partial<KnownEngagement> = {}): KnownEngagement => ({ key: KEY, board, id: 3n, agentId: 0n, panel, periodSeconds: 600, endpointHash: "0x", blockNumber: 1, ...change });
  const rules: Acceptance = { address: self, boards: new Set([board]), bounties: [], peers: new Set([friend]), joinsOpenPanels: false, minPeriodSeconds: 600 };

  it("takes a panel that names it and whose majority it trusts", () => {
    const panels: readonly (readonly [readonly string[], boolean])[] = [[[self], true], [["0xAA", "0xBB", "0xCC"], true], [[self, stranger], false], [[self, friend, stranger, other], false], [[friend], false], [[self, stranger, other], false]];
    for (const [panel, expected] of panels) expect(isAcceptable(known(panel), rules), panel.join()).to.equal(expected);
  });

  it("takes what is named in the settings on any panel that names it, and nothing else then", () => {
    const named = { ...rules, bounties: [3n] };
    expect(isAcceptable(known([self, stranger, other]), named)).to.equal(true);
    expect(isAcceptable(known([stranger, other]), named)).to.equal(false);
    expect(isAcceptable(known([self], { id: 4n }), named)).to.equal(false);
  });

  it("takes open panels only when told to, other boards and short periods never", () => {
    expect(isAcceptable(known([]), rules)).to.equal(false);
    expect(isAcceptable(known([]), { ...rules, joinsOpenPanels: true })).to.equal(true);
    expect(isAcceptable(known([self], { board: stranger }), rules)).to.equal(false);
    expect(isAcceptable(known([self], { periodSeconds: 599 }), rules)).to.equal(false);
  });
});
