import { expect } from "chai";

import { toHex } from "../../../core/codec/hex.ts";
import { ERROR, INVOKE_FLAG } from "../../../core/generated/protocol.ts";
import { headDigest } from "../../../core/codec/heads.ts";
import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import { INTAKE } from "../../../services/sequencer/Submission.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";
import { TEST_DOMAIN } from "../../builders/TestRollup.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const FUNDS = 1_000_000;

describe("sequencer core", function () {
  this.timeout(30_000);
  const folder = temporaryFolder("core");
  let lone: LoneCore;
  after(() => folder.remove());

  beforeEach(async () => {
    folder.remove();
    lone = await LoneCore.start(folder.path);
    await lone.deposit([ALICE, BOB], FUNDS);
  });
  afterEach(async () => {
    await lone.stop();
    expect(lone.failures).to.deep.equal([]);
  });

  it("bundle: is sequenced, durable and rooted, in this order", async () => {
    const answers = await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 3)));
    expect(answers.levels).to.deep.equal(["sequenced", "durable", "rooted"]);
    expect([...(answers.record?.outcomes ?? [])]).to.deep.equal([ERROR.OK, ERROR.OK, ERROR.OK]);
    const { position, head, signature } = answers.head ?? expect.fail("no head");
    expect(position).to.equal(3);
    expect(toHex(recoverAddress(headDigest(TEST_DOMAIN, 0, position, head), signature) ?? new Uint8Array())).to.have.length(42);
  });

  it("gapped nonce: waits and runs when the gap closes", async () => {
    const late = await lone.sendFor("parked", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    const first = await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("the waiting one runs", () => late.levels.includes("durable"));
    expect(late.record?.position).to.equal((first.record?.position ?? NaN) + 1);
  });

  it("gapped nonce: is refused when a stranger signed it, and takes up no place", async () => {
    const answers = await lone.sendFor("rejected", bundleOf(BOB, 1, 1, transfers(2, 1)));
    expect(answers.rejection?.code).to.equal(ERROR.H_SIGNATURE);
    expect(lone.core.pipeline.waiting).to.equal(0);
  });

  it("gapped nonce: expires with a code when nothing closes the gap", async () => {
    const answers = await lone.sendFor("rejected", bundleOf(ALICE, 1, 5, transfers(2, 1)));
    expect(answers.levels).to.deep.equal(["parked", "rejected"]);
    expect(answers.rejection?.code).to.equal(INTAKE.WAITED_TOO_LONG);
    expect(lone.core.pipeline.waiting).to.equal(0);
  });

  it("flood of gaps: fills the places of its own account only", async () => {
    const flood = Array.from({ length: 20 }, (_, i) => lone.send(bundleOf(ALICE, 1, 10 + i, transfers(2, 1))));
    await until("all are answered", () => flood.every(({ levels }) => levels.length > 0));
    expect(flood.filter(({ rejection }) => rejection?.code === INTAKE.BUSY)).to.have.length(12);
    const other = await lone.sendFor("parked", bundleOf(BOB, 2, 1, transfers(1, 1)));
    expect(other.rejection).to.equal(undefined);
  });

  it("answer to a call that was not made yet: waits for the call", async () => {
    const respond = { op: "RESPOND", fields: { status: 1, slot: 0, id: 1, outputHash: new Uint8Array(32).fill(7) } } as const;
    const early = await lone.sendFor("parked", bundleOf(BOB, 2, 0, [respond]));
    const invoke = { op: "INVOKE", fields: { provider: 2, price: 10, deadline: Math.floor(Date.now() / 1000) + 600, inputHash: new Uint8Array(32).fill(1) } } as const;
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, [invoke]));
    await until("the answer runs", () => early.levels.includes("durable"));
    expect([...(early.record?.outcomes ?? [])]).to.deep.equal([ERROR.OK]);
  });

  it("calls that wait for each other: both expire", async () => {
    const invoke = (depId: number) => ({ op: "INVOKE", fields: { flags: INVOKE_FLAG.DEPENDENCY, provider: 2, price: 1, deadline: Math.floor(Date.now() / 1000) + 600, inputHash: new Uint8Array(32), depSlot: 9, depId } }) as const;
    const first = lone.send(bundleOf(ALICE, 1, 0, [invoke(100)]));
    const second = lone.send(bundleOf(BOB, 2, 0, [invoke(101)]));
    await until("both are refused", () => first.rejection !== undefined && second.rejection !== undefined);
    expect([first.rejection?.code, second.rejection?.code]).to.deep.equal([INTAKE.WAITED_TOO_LONG, INTAKE.WAITED_TOO_LONG]);
  });

  it("same bundle again: is answered as the first time and runs once", async () => {
    const bytes = bundleOf(ALICE, 1, 0, transfers(2, 2));
    const first = await lone.sendFor("rooted", bytes);
    const again = await lone.sendFor("rooted", bytes.slice());
    expect(again).to.deep.equal(first);
    expect(lone.core.pipeline.position).to.equal(2);
  });

  it("one connection: cannot take all places of the queue", async () => {
    const { core } = lone;
    await lone.stop();
    lone = await LoneCore.start(folder.path, { maxQueuePerClient: 5 });
    const client = { queued: 0 };
    const sent = Array.from({ length: 12 }, (_, i) => lone.send(bundleOf(ALICE, 1, i, transfers(2, 1)), client));
    const refused = sent.filter(({ rejection }) => rejection?.code === INTAKE.BUSY);
    expect(refused).to.have.length(7);
    const other = await lone.sendFor("durable", bundleOf(BOB, 2, 0, transfers(1, 1)));
    expect(other.rejection).to.equal(undefined);
    await until("its places are free again", () => client.queued === 0);
    expect(core).to.not.equal(lone.core);
  });
});
