import { expect } from "chai";

import { encodeRecord } from "../../core/codec/index.ts";
import type { RecordInput } from "../../core/codec/index.ts";
import { CoreError } from "../../core/errors.ts";
import { ERROR, KIND, OP } from "../../core/generated/protocol.ts";
import { createBundleResult, createExecutor } from "../../core/transition/index.ts";
import type { Executor } from "../../core/transition/index.ts";
import { joinBytes, TestRollup } from "../builders/TestRollup.ts";
import { createActor } from "../differential/scenario/Actors.ts";

const [ada, bob, eve] = ["ada", "bob", "eve"].map(createActor);
const hash = new Uint8Array(32).fill(1);
const out = createBundleResult();
const transfer = encodeRecord("TRANSFER", { to: 2, amount: 5 });

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

function invoke(fields: RecordInput<"INVOKE"> = {}): Uint8Array {
  return encodeRecord("INVOKE", { provider: 2, price: 10, deadline: 2000, capability: 1, inputHash: hash, ...fields });
}

/** Ada (1) and Bob (2) with 1000 units each, in a batch at time 1000 that takes bundles. */
function createOpenChain(): { rollup: TestRollup; executor: Executor } {
  const rollup = new TestRollup();
  rollup.fund(1000, [[ada, 1000], [bob, 1000]]);
  const executor = createExecutor(rollup.state, rollup.parameters);
  executor.beginBatch({ l2Time: 1000, queueEnd: 2 });
  return { rollup, executor };
}

describe("executor", () => {
  it("bundle: reports outcome, slot, id and receipt of each record when some of them fail", () => {
    const { rollup, executor } = createOpenChain();
    const bundle = rollup.bundle({ agent: 1, signer: ada, records: [invoke(), encodeRecord("TRANSFER", { to: 9 }), invoke({ price: 5000 }), invoke()] });
    expect(executor.executeBundle(bundle, 0, executor.recoverBundle(bundle, 0), out)).to.equal(ERROR.OK);
    expect([...out.outcomes.subarray(0, out.count)]).to.deep.equal([ERROR.OK, ERROR.E_UNKNOWN_AGENT, ERROR.E_BALANCE, ERROR.OK]);
    expect([...out.slots.subarray(0, 4)]).to.deep.equal([0, 0, 0, 1]);
    expect([...out.ids.subarray(0, 4)]).to.deep.equal([1, 0, 0, 2]);
    expect(out).to.include({ count: 4, slotsTaken: 5, firstReceipt: 2 });
    expect(executor.endBatch()).to.equal(5);
  });

  it("bundle: is executed where it stands when the bytes hold others before and after it", () => {
    const { rollup, executor } = createOpenChain();
    const bundle = rollup.bundle({ agent: 1, signer: ada, records: [transfer] });
    const bytes = joinBytes([new Uint8Array(13), bundle, new Uint8Array(96)]).subarray(13);
    expect(executor.executeBundle(bytes, 0, ada.address, out)).to.equal(ERROR.OK);
    expect(out.outcomes[0]).to.equal(ERROR.OK);
    expect(executor.executeBundle(bytes, bundle.length, null, out)).to.equal(ERROR.H_GARBAGE);
    expect(out).to.include({ count: 0, slotsTaken: 1 });
  });

  it("header: is judged without any effect when it is only checked", () => {
    const { rollup, executor } = createOpenChain();
    const good = rollup.bundle({ agent: 1, signer: ada, records: [transfer] });
    const before = rollup.state.drainDirty().length;
    expect(before).to.be.above(0);
    const check = (bundle: Uint8Array): number => executor.checkHeader(bundle, 0, executor.recoverBundle(bundle, 0));
    expect(check(good)).to.equal(ERROR.OK);
    expect(check(rollup.bundle({ agent: 1, signer: eve, records: [transfer] }))).to.equal(ERROR.H_SIGNATURE);
    expect(check(rollup.bundle({ agent: 1, signer: ada, records: [transfer], nonce: 3 }))).to.equal(ERROR.H_NONCE);
    expect(check(rollup.bundle({ agent: 1, signer: ada, records: [transfer], validUntil: 999 }))).to.equal(ERROR.H_EXPIRED);
    expect(check(rollup.bundle({ agent: 7, signer: ada, records: [transfer] }))).to.equal(ERROR.H_AGENT);
    expect(check(rollup.bundle({ agent: 1, signer: ada, records: [transfer], auth: 1 }))).to.equal(ERROR.H_GARBAGE);
    expect(executor.checkHeader(good.subarray(0, 96), 0, ada.address)).to.equal(ERROR.H_GARBAGE);
    expect(executor.checkHeader(good.subarray(0, 50), 0, ada.address)).to.equal(ERROR.H_GARBAGE);
    expect(rollup.state.drainDirty()).to.deep.equal([]);
  });

  it("nonce distance: tells a gap from a replay", () => {
    const { rollup, executor } = createOpenChain();
    const bundleWith = (nonce: number): Uint8Array => rollup.bundle({ agent: 1, signer: ada, records: [transfer], nonce });
    executor.executeBundle(bundleWith(0), 0, ada.address, out);
    expect([0, 1, 4].map((nonce) => executor.nonceDistance(bundleWith(nonce), 0))).to.deep.equal([-1, 0, 3]);
    expect(executor.nonceDistance(rollup.bundle({ agent: 9, signer: ada, records: [transfer] }), 0)).to.be.NaN;
  });

  it("dependencies: are named while a bundle waits for them and gone when it does not", () => {
    const { rollup, executor } = createOpenChain();
    const waiting = rollup.bundle({
      agent: 1,
      signer: ada,
      records: [transfer, encodeRecord("RESPOND", { slot: 0, id: 1 }), invoke({ flags: 24, depSlot: 0, depId: 1, auxSlot: 3, auxId: 9 }), encodeRecord("COMPOSE", { id: 1 }), invoke({ flags: 6, workflowId: 1, auxId: 2 }), encodeRecord("CHANNEL_FUND", { slot: 5, id: 4, amount: 1 }), encodeRecord("CHANNEL_EXPORT", { id: 1 })],
    });
    const [call, workflow, session, channel] = [KIND.INVOCATION, KIND.WORKFLOW, KIND.SESSION, KIND.CHANNEL];
    expect(executor.dependenciesOf(waiting, 0)).to.deep.equal([
      { record: 1, kind: call, slot: 0, id: 1, state: "missing" },
      { record: 2, kind: call, slot: 0, id: 1, state: "missing" },
      { record: 2, kind: call, slot: 3, id: 9, state: "missing" },
      { record: 3, kind: workflow, slot: 0, id: 1, state: "missing" },
      { record: 4, kind: workflow, slot: 0, id: 1, state: "missing" },
      { record: 4, kind: session, slot: 0, id: 2, state: "missing" },
      { record: 5, kind: channel, slot: 5, id: 4, state: "missing" },
      { record: 6, kind: channel, slot: 0, id: 1, state: "missing" },
    ]);
    executor.executeBundle(rollup.bundle({ agent: 1, signer: ada, records: [invoke()] }), 0, ada.address, out);
    const depending = rollup.bundle({ agent: 1, signer: ada, records: [invoke({ flags: 8, depId: 1 })] });
    expect(executor.dependenciesOf(depending, 0)).to.deep.equal([{ record: 0, kind: call, slot: 0, id: 1, state: "pending" }]);
    executor.executeBundle(rollup.bundle({ agent: 2, signer: bob, records: [encodeRecord("RESPOND", { id: 1 })] }), 0, bob.address, out);
    expect(executor.dependenciesOf(depending, 0)).to.deep.equal([]);
  });

  it("phase: is refused when entries come after bundles, bundles before entries, or batches overlap", () => {
    const { rollup, executor } = createOpenChain();
    const entry = { kind: OP.DEPOSIT, sender: ada.address, account: ada.address, value: 1, slots: 0, dataRoot: hash, dueTime: 0, data: new Uint8Array(0) };
    const bundle = rollup.bundle({ agent: 1, signer: ada, records: [transfer] });
    expect(codeOf(() => executor.applyEntry(entry))).to.equal("transition/phase");
    expect(codeOf(() => executor.beginBatch({ l2Time: 1000, queueEnd: 2 }))).to.equal("transition/phase");
    executor.endBatch();
    expect(codeOf(() => executor.endBatch())).to.equal("transition/phase");
    expect(codeOf(() => executor.executeBundle(bundle, 0, null, out))).to.equal("transition/phase");
    executor.beginBatch({ l2Time: 1000, queueEnd: 3 });
    expect(codeOf(() => executor.executeBundle(bundle, 0, null, out))).to.equal("transition/phase");
    expect(executor.applyEntry(entry)).to.equal(ERROR.OK);
    expect(executor.executeBundle(bundle, 0, ada.address, out)).to.equal(ERROR.OK);
  });

  it("forced entry: reports each of its bundles when it has several", () => {
    const { rollup, executor } = createOpenChain();
    executor.endBatch();
    const forced = joinBytes([
      rollup.bundle({ agent: 1, signer: ada, records: [transfer, transfer], auth: 1 }),
      new Uint8Array(96),
      rollup.bundle({ agent: 2, signer: bob, records: [encodeRecord("TRANSFER", { to: 1, amount: 1 })] }),
    ]);
    executor.beginBatch({ l2Time: 1000, queueEnd: 3 });
    const seen: (readonly [number, number, number])[] = [];
    const entry = { kind: OP.FORCED, sender: ada.address, account: new Uint8Array(20), value: 0, slots: forced.length / 96, dataRoot: hash, dueTime: 0, data: forced };
    executor.applyEntry(entry, (result, headerError, slot) => seen.push([slot, headerError, result.count]));
    expect(seen).to.deep.equal([[0, 0, 2], [3, ERROR.H_GARBAGE, 0], [4, 0, 1]]);
    executor.endBatch();
  });
});
