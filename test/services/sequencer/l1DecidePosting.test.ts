import { expect } from "chai";

import { batchGas, decidePosting } from "../../../services/sequencer/l1/decidePosting.ts";
import type { PostingState, UnpostedBatch } from "../../../services/sequencer/l1/decidePosting.ts";

const LIMITS = { maxInFlight: 3, maxInFlightBytes: 1_000 };
const NOW = 1_000_000;
const DAY = 86_400;

function batch(index: number, change: Partial<UnpostedBatch> = {}): UnpostedBatch {
  return { index, l2Time: NOW + index, queueEnd: index, slots: 1, bytes: 96, intent: "open", failures: 0, ...change };
}

function stateWith(unposted: readonly UnpostedBatch[], l1: Partial<PostingState["l1"]> = {}, change: Partial<PostingState> = {}): PostingState {
  return {
    l1: { batchCount: 0, accumulator: "0xa", entryCount: 100, consumedCount: 0, lastL2Time: 0, timestamp: NOW, maySubmit: true, hasUnknownPending: false, ...l1 },
    sealedCount: unposted.length,
    own: "0xa",
    unposted,
    ...change,
  };
}

/** Short words: "2" for a submit of batch 2, the reason of a wait, the code of a stop. */
function told(state: PostingState): string[] {
  return decidePosting(state, LIMITS).map((action) => {
    if (action.type === "submit") return String(action.index);
    return action.type === "wait" ? action.reason : action.error.code;
  });
}

describe("decidePosting", () => {
  it("batches: are sent in order up to the number that may be in flight", () => {
    expect(told(stateWith([]))).to.deep.equal([]);
    expect(told(stateWith([batch(0), batch(1), batch(2), batch(3)]))).to.deep.equal(["0", "1", "2"]);
    expect(told(stateWith([batch(0, { intent: "live" }), batch(1, { intent: "live" }), batch(2), batch(3)]))).to.deep.equal(["2"]);
    expect(told(stateWith([batch(0, { intent: "live" }), batch(1, { intent: "live" }), batch(2, { intent: "live" }), batch(3)]))).to.deep.equal([]);
  });

  it("batches: wait for those in flight when their bytes are too many, but one may always go", () => {
    expect(told(stateWith([batch(0, { bytes: 9_600 })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { bytes: 600 }), batch(1, { bytes: 600 })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { bytes: 500 }), batch(1, { bytes: 500 })]))).to.deep.equal(["0", "1"]);
  });

  it("gas: is offered for bytes and entries", () => {
    const [action] = decidePosting(stateWith([batch(0, { bytes: 960, queueEnd: 7 })], { consumedCount: 2 }), LIMITS);
    expect(action).to.deep.equal({ type: "submit", index: 0, gasLimit: batchGas(960, 5) });
  });

  it("contradiction: stops when L1 has another batch, other entries, or more than are sealed", () => {
    const foreign = { index: 1, expected: "0xb", actual: "0xc" };
    const other = { batchCount: 2, accumulator: "0xd" };
    const [action] = decidePosting(stateWith([], other, { foreign, sealedCount: 3 }), LIMITS);
    expect(action?.type === "stop" && action.error.payload).to.deep.equal(foreign);
    expect(told(stateWith([], other, { foreign, sealedCount: 3 }))).to.deep.equal(["l1/foreign-batch"]);
    expect(told(stateWith([], other, { sealedCount: 3 }))).to.deep.equal(["l1/foreign-history"]);
    expect(told(stateWith([], { batchCount: 2 }, { own: undefined, sealedCount: 1 }))).to.deep.equal(["l1/unknown-batch"]);
  });

  it("history: sends nothing before it is known to be ours", () => {
    expect(told(stateWith([batch(0)], {}, { own: undefined }))).to.deep.equal(["chaining"]);
  });

  it("reorganisation: sends nothing twice while the transaction manager sends again", () => {
    expect(told(stateWith([batch(0, { intent: "landed" }), batch(1, { intent: "landed" })]))).to.deep.equal(["reorganised", "reorganised"]);
    expect(told(stateWith([batch(0, { intent: "landed" }), batch(1)]))).to.deep.equal(["reorganised", "1"]);
    expect(told(stateWith([batch(0, { intent: "final" })]))).to.deep.equal(["l1/deep-reorg"]);
  });

  it("failure: sends a batch again that reverted, a block later and five times at most", () => {
    expect(told(stateWith([batch(0, { intent: "reverted", failures: 1 }), batch(1)]))).to.deep.equal(["reverted"]);
    expect(told(stateWith([batch(0, { failures: 4, failure: "L2TimeAhead" }), batch(1)]))).to.deep.equal(["0", "1"]);
    const [action] = decidePosting(stateWith([batch(0, { failures: 5, failure: "L2TimeAhead" })]), LIMITS);
    expect(action?.type === "stop" && [action.error.code, action.error.payload]).to.deep.equal(["l1/batch-failed", { index: 0, detail: "L2TimeAhead" }]);
  });

  it("failure: waits while L1 lacks an entry of the batch, and stops when it has another one", () => {
    expect(told(stateWith([batch(0, { queueEnd: 101, failures: 5 })]))).to.deep.equal(["entries-missing"]);
    const replaced = { index: 7, expected: "0x1", actual: "0x2" };
    expect(told(stateWith([batch(0, { replaced })]))).to.deep.equal(["l1/entry-replaced"]);
    const [action] = decidePosting(stateWith([batch(0, { failures: 1, failure: "AccumulatorMismatch", replaced })]), LIMITS);
    expect(action?.type === "stop" && [action.error.code, action.error.payload]).to.deep.equal(["l1/entry-replaced", replaced]);
  });

  it("order: closes a gap although later batches are under way, which then revert and come again", () => {
    expect(told(stateWith([batch(0), batch(1, { intent: "live" })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { intent: "live" }), batch(1), batch(2, { intent: "landed" })]))).to.deep.equal(["1", "reorganised"]);
  });

  it("time: waits for L1 when the batch is more than 15 s ahead, and stops when it is a day behind", () => {
    expect(told(stateWith([batch(0, { l2Time: NOW + 15 })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { l2Time: NOW + 16 }), batch(1, { l2Time: NOW + 16 })]))).to.deep.equal(["ahead-of-l1"]);
    expect(told(stateWith([batch(0, { l2Time: NOW - DAY })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { l2Time: NOW - DAY - 1 })]))).to.deep.equal(["l1/batch-late"]);
  });

  it("order: stops when time or queue go backwards", () => {
    expect(told(stateWith([batch(0)], { lastL2Time: NOW + 1 }))).to.deep.equal(["l1/batch-order"]);
    expect(told(stateWith([batch(0)], { consumedCount: 1 }))).to.deep.equal(["l1/batch-order"]);
    expect(told(stateWith([batch(0, { l2Time: NOW + 5, intent: "live" }), batch(1)]))).to.deep.equal(["l1/batch-order"]);
  });

  it("stop: comes after the batches before it are on their way", () => {
    expect(told(stateWith([batch(0), batch(1, { queueEnd: -1 })]))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { intent: "live" }), batch(1, { queueEnd: -1 })]))).to.deep.equal(["l1/batch-order"]);
  });

  it("entries: waits when L1 lost one, stops when a due one is left out, unless it is a flood", () => {
    expect(told(stateWith([batch(0, { queueEnd: 101 })]))).to.deep.equal(["entries-missing"]);
    expect(told(stateWith([batch(0, { leftOutDueTime: NOW })]))).to.deep.equal(["l1/entry-due"]);
    expect(told(stateWith([batch(0, { leftOutDueTime: NOW + 1 })]))).to.deep.equal(["0"]);
    const flood = { slots: 0, bytes: 0, queueEnd: 1024, leftOutDueTime: NOW };
    expect(told(stateWith([batch(0, flood)], { entryCount: 2_000 }))).to.deep.equal(["0"]);
    expect(told(stateWith([batch(0, { ...flood, queueEnd: 1023 })], { entryCount: 2_000 }))).to.deep.equal(["l1/entry-due"]);
  });

  it("size: stops when a batch needs more gas than a transaction may have", () => {
    expect(told(stateWith([batch(0, { bytes: 420_000 })]))).to.deep.equal(["l1/batch-size"]);
  });

  it("unknown transactions: are waited for when the journal knows none", () => {
    expect(told(stateWith([batch(0)], { hasUnknownPending: true }))).to.deep.equal(["unknown-pending"]);
    expect(told(stateWith([batch(0)], { maySubmit: false }))).to.deep.equal(["not-our-turn"]);
  });
});
