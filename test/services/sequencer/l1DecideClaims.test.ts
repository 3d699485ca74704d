import { expect } from "chai";

import { decideClaims } from "../../../services/sequencer/l1/decideClaims.ts";
import type { ClaimState, EpochView } from "../../../services/sequencer/l1/decideClaims.ts";

const LIMITS = { maxOpenClaims: 3, marginSeconds: 2 };
const NOW = 1_000;

function epoch(number: number, change: Partial<EpochView> = {}): EpochView {
  return {
    epoch: number,
    batchEnd: 10 * (number + 1),
    accumulator: `0xacc${number}`,
    root: `0xroot${number}`,
    parent: `0xclaim${number - 1}`,
    claimId: `0xclaim${number}`,
    live: 0,
    isMade: false,
    round: { number: 1, rivalsUntil: Infinity, backedUntil: Infinity, claimCount: 0, liveClaims: 0 },
    priceWei: 5n,
    ...change,
  };
}

/** D is 20 s here. */
const round = (rivalsUntil: number, liveClaims: number, claimCount = liveClaims) => ({ number: 1, rivalsUntil, backedUntil: rivalsUntil + 20, claimCount, liveClaims });
const claimed = (number: number, rivalsUntil: number, liveClaims = 1, claimCount = liveClaims): EpochView =>
  epoch(number, { live: 1, isMade: true, round: round(rivalsUntil, liveClaims, claimCount) });

function stateWith(epochs: readonly EpochView[], change: Partial<ClaimState> = {}): ClaimState {
  return {
    l1Time: NOW,
    unpostedCount: 0,
    openEpoch: { epoch: 9, openedAt: 0, steps: 0, maxSteps: 100, ageSeconds: 50 },
    confirmed: { claimId: "0xclaim-1", nextEpoch: 0, root: "0xgenesis", ownRoot: undefined },
    epochs,
    releasable: [],
    creditWei: 0n,
    ...change,
  };
}

/** "claim 0", "confirm 0", "close 9", "release 0x…/0", "credit 1", or the code of an alarm or stop. */
function told(state: ClaimState): string[] {
  return decideClaims(state, LIMITS).map((action) => {
    if (action.type === "stop") return action.error.code;
    if (action.type === "alarm") return action.alarm.code;
    if (action.type === "release") return `release ${action.roundId}/${action.n}`;
    return `${action.type} ${action.type === "credit" ? action.nextEpoch : action.epoch}`;
  });
}

describe("decideClaims", () => {
  it("claim: is made for the first closed epoch with our root on the confirmed one", () => {
    const [action] = decideClaims(stateWith([epoch(0)]), LIMITS);
    expect(action).to.deep.equal({ type: "claim", epoch: 0, parent: "0xclaim-1", round: 1, claimId: "0xclaim0", root: "0xroot0", accumulator: "0xacc0", priceWei: 5n });
  });

  it("claim: is made for the next epoch when the one before it is on L1, without waiting for its window", () => {
    expect(told(stateWith([epoch(0), epoch(1)]))).to.deep.equal(["claim 0"]);
    expect(told(stateWith([claimed(0, NOW + 9), epoch(1)]))).to.deep.equal(["claim 1"]);
  });

  it("claim: is not made for an epoch whose root is not computed, nor for those after it", () => {
    expect(told(stateWith([epoch(0, { root: undefined }), epoch(1)]))).to.deep.equal([]);
    expect(told(stateWith([claimed(0, NOW + 9), epoch(1, { root: undefined, claimId: undefined })]))).to.deep.equal([]);
  });

  it("claim: waits when as many are open as may be", () => {
    const open = [0, 1, 2].map((number) => claimed(number, NOW + 9));
    expect(told(stateWith([...open, epoch(3)]))).to.deep.equal([]);
  });

  it("claim: is left alone when somebody else made the very same", () => {
    expect(told(stateWith([epoch(0, { live: 1, isMade: true, round: round(NOW + 9, 1) })]))).to.deep.equal([]);
  });

  it("rival: is told, and ours is claimed anyway", () => {
    expect(told(stateWith([epoch(0, { round: round(NOW + 9, 1) })]))).to.deep.equal(["l1/rival-claim", "claim 0"]);
    expect(told(stateWith([claimed(0, NOW + 9, 2)]))).to.deep.equal(["l1/rival-claim"]);
  });

  it("rival: is told as lost when its round closed without ours", () => {
    expect(told(stateWith([epoch(0, { round: round(NOW, 1) })]))).to.deep.equal(["l1/rival-claim", "l1/round-lost", "claim 0"]);
  });

  it("claim: is backed again while it is dormant, until nobody may back it any more", () => {
    const dormant = (rivalsUntil: number) => epoch(0, { isMade: true, round: round(rivalsUntil, 1, 2) });
    expect(told(stateWith([dormant(NOW - 19)]))).to.deep.equal(["l1/rival-claim", "claim 0"]);
    expect(told(stateWith([dormant(NOW - 20)]))).to.deep.equal(["l1/rival-claim", "l1/round-lost", "claim 0"]);
  });

  it("confirm: comes when the window and the margin are over", () => {
    expect(told(stateWith([claimed(0, NOW - 1)]))).to.deep.equal([]);
    expect(told(stateWith([claimed(0, NOW - 2)]))).to.deep.equal(["confirm 0"]);
  });

  it("confirm: comes only for the claim on top of the confirmed one", () => {
    expect(told(stateWith([claimed(0, NOW + 9), claimed(1, NOW - 9)]))).to.deep.equal([]);
    expect(told(stateWith([claimed(0, NOW - 9), claimed(1, NOW - 9)]))).to.deep.equal(["confirm 0"]);
  });

  it("confirm: does not come while a rival is live", () => {
    expect(told(stateWith([claimed(0, NOW - 9, 2)]))).to.deep.equal(["l1/rival-claim"]);
  });

  it("confirm: waits until the beaten rival cannot be backed any more", () => {
    expect(told(stateWith([claimed(0, NOW - 21, 1, 2)]))).to.deep.equal([]);
    expect(told(stateWith([claimed(0, NOW - 22, 1, 2)]))).to.deep.equal(["confirm 0"]);
  });

  it("stop: comes when another root than ours is confirmed", () => {
    const confirmed = { claimId: "0xother", nextEpoch: 1, root: "0xfalse", ownRoot: "0xroot0" };
    expect(told(stateWith([epoch(1)], { confirmed, creditWei: 1n }))).to.deep.equal(["l1/false-root"]);
    expect(told(stateWith([epoch(1)], { confirmed: { ...confirmed, root: "0xroot0" } }))).to.deep.equal(["claim 1"]);
  });

  it("bond: is taken back from decided claims", () => {
    const releasable = [{ roundId: "0x1", n: 0 }, { roundId: "0x2", n: 3 }];
    expect(told(stateWith([], { releasable, creditWei: 5n }))).to.deep.equal(["release 0x1/0", "release 0x2/3"]);
    expect(told(stateWith([], { creditWei: 5n }))).to.deep.equal(["credit 0"]);
  });

  it("epoch: is closed by age or steps when no batch is about to close it", () => {
    const open = { epoch: 9, openedAt: NOW - 52, steps: 1, maxSteps: 100, ageSeconds: 50 };
    expect(told(stateWith([], { openEpoch: open }))).to.deep.equal(["close 9"]);
    expect(told(stateWith([], { openEpoch: open, unpostedCount: 1 }))).to.deep.equal([]);
    expect(told(stateWith([], { openEpoch: { ...open, openedAt: NOW - 51 } }))).to.deep.equal([]);
    expect(told(stateWith([], { openEpoch: { ...open, openedAt: NOW, steps: 100 } }))).to.deep.equal(["close 9"]);
    expect(told(stateWith([], { openEpoch: { ...open, openedAt: 0 } }))).to.deep.equal([]);
  });
});
