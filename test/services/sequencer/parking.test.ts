import { createHash } from "node:crypto";

import { expect } from "chai";

import { fromHex } from "../../../core/codec/index.ts";
import { ERROR, INVOKE_FLAG } from "../../../core/generated/protocol.ts";
import { addressOfKey } from "../../../runtime/crypto/secp.ts";
import { INTAKE } from "../../../services/sequencer/Submission.ts";
import type { Answers } from "../../builders/loneCore.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";

const KEYS = Array.from({ length: 12 }, (_, i) => testKey(i + 1));
const [ALICE, BOB] = KEYS as [string, string];
const FUNDS = 1_000_000;
const PLACES = 20;
const PLACES_OF_ONE = 4;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const codeOf = (answers: Answers): number | undefined => answers.rejection?.code;

describe("sequencer parking", function () {
  this.timeout(30_000);
  const folder = temporaryFolder("parking");
  let lone: LoneCore;
  after(() => folder.remove());

  beforeEach(async () => {
    folder.remove();
    lone = await LoneCore.start(folder.path, { maxParked: PLACES, maxParkedPerAgent: PLACES_OF_ONE, parkMs: 700 });
    await lone.deposit(KEYS, FUNDS);
    await until("their batch is sealed", () => lone.core.sealed.count === 1);
  });
  afterEach(async () => {
    await lone.stop();
    expect(lone.failures).to.deep.equal([]);
  });

  const keyOf = (agent: number): string => KEYS[agent - 1] ?? "";
  /** A bundle that waits, as the nonces before its own are not there. */
  const gap = (agent: number, nonce: number): Answers => lone.send(bundleOf(keyOf(agent), agent, nonce, transfers((agent % KEYS.length) + 1, 1)));
  const allAnswered = async (sent: readonly Answers[]): Promise<void> => until("all are answered", () => sent.every(({ levels }) => levels.length > 0));
  const stateNow = (): string => lone.core.state.exportSnapshot().parts.reduce((hash, { leaves }) => hash.update(leaves), createHash("sha256")).digest("hex");
  const call = (flags = 0, depId = 0) => ({ op: "INVOKE", fields: { flags, provider: 2, price: 10, deadline: nowSeconds() + 600, inputHash: new Uint8Array(32), depSlot: 0, depId } }) as const;
  const respond = { op: "RESPOND", fields: { status: 0, slot: 0, id: 1, outputHash: new Uint8Array(32) } } as const;

  it("nonces in the wrong order: run in the right one, each once", async () => {
    const late = [gap(1, 3), gap(1, 1), gap(1, 2)];
    await allAnswered(late);
    expect(lone.core.pipeline.waiting).to.equal(3);
    const first = await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("all are rooted", () => late.every(({ levels }) => levels.includes("rooted")));
    expect([first, late[1], late[2], late[0]].map((answers) => answers?.record?.position)).to.deep.equal([0, 1, 2, 3]);
    expect(late.map(({ levels }) => levels)).to.deep.equal(late.map(() => ["parked", "sequenced", "durable", "rooted"]));
    expect(lone.core.pipeline.waiting).to.equal(0);
  });

  it("gaps that nothing closes: end with a code, change nothing, and make room", async () => {
    const before = stateNow();
    const waiting = [1, 2, 3, 4].map((nonce) => gap(1, nonce));
    expect(codeOf(await lone.sendFor("rejected", bundleOf(ALICE, 1, 9, transfers(2, 1))))).to.equal(INTAKE.BUSY);
    await until("all end", () => waiting.every((answers) => codeOf(answers) === INTAKE.WAITED_TOO_LONG));
    expect([stateNow(), lone.core.pipeline.waiting, lone.core.pipeline.position]).to.deep.equal([before, 0, 0]);
    expect((await lone.sendFor("parked", bundleOf(ALICE, 1, 9, transfers(2, 1)))).rejection).to.equal(undefined);
  });

  it("places of all: are refused when they are taken, while bundles that need none run", async () => {
    const sent = [1, 2, 3, 4, 5, 6].flatMap((agent) => Array.from({ length: PLACES_OF_ONE }, (_, i) => gap(agent, 1 + i)));
    await allAnswered(sent);
    expect(lone.core.pipeline.waiting).to.equal(PLACES);
    expect(sent.filter((answers) => codeOf(answers) === INTAKE.BUSY)).to.have.length(sent.length - PLACES);
    const other = await lone.sendFor("durable", bundleOf(keyOf(9), 9, 0, transfers(1, 1)));
    expect(other.levels).to.deep.equal(["sequenced", "durable"]);
    const closing = await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    expect(closing.rejection).to.equal(undefined);
    await until("its own have run", () => sent.slice(0, PLACES_OF_ONE).every(({ levels }) => levels.includes("durable")));
    expect(lone.core.pipeline.waiting).to.equal(PLACES - PLACES_OF_ONE);
  });

  it("flood of gaps that strangers signed: takes no place, and the owner's gap waits and runs", async () => {
    const before = stateNow();
    const flood = Array.from({ length: 300 }, (_, i) => lone.send(bundleOf(BOB, 1, 1 + (i % 30), transfers(2, 1))));
    const owners = await lone.sendFor("parked", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await allAnswered(flood);
    expect(new Set(flood.map(codeOf))).to.deep.equal(new Set([ERROR.H_SIGNATURE]));
    expect([lone.core.pipeline.waiting, stateNow()]).to.deep.equal([1, before]);
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("it runs", () => owners.levels.includes("durable"));
  });

  it("second bundle with a nonce that waits: is refused, and the first runs", async () => {
    const first = gap(1, 1);
    await allAnswered([first]);
    const second = await lone.sendFor("rejected", bundleOf(ALICE, 1, 1, transfers(3, 5)));
    expect(codeOf(second)).to.equal(INTAKE.BUSY);
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("the first runs", () => first.levels.includes("durable"));
    expect(lone.core.pipeline.position).to.equal(2);
  });

  it("bundle that waits for a call, while another one uses its nonce: is refused when the call comes", async () => {
    const early = await lone.sendFor("parked", bundleOf(BOB, 2, 0, [respond]));
    await lone.sendFor("durable", bundleOf(BOB, 2, 0, transfers(1, 1)));
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, [call()]));
    await until("it is refused", () => early.rejection !== undefined);
    expect(codeOf(early)).to.equal(ERROR.H_NONCE);
    const again = await lone.sendFor("durable", bundleOf(BOB, 2, 1, [respond]));
    expect([...(again.record?.outcomes ?? [])]).to.deep.equal([ERROR.OK]);
  });

  it("call that depends on an unanswered one: waits for the answer, and fails when that failed", async () => {
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, [call(INVOKE_FLAG.REVIEW)].map((record) => ({ ...record, fields: { ...record.fields, reviewWindow: 60 } }))));
    const dependent = await lone.sendFor("parked", bundleOf(keyOf(3), 3, 0, [call(INVOKE_FLAG.DEPENDENCY, 1)]));
    await lone.sendFor("durable", bundleOf(BOB, 2, 0, [respond]));
    await until("it runs", () => dependent.levels.includes("durable"));
    expect([...(dependent.record?.outcomes ?? [])]).to.deep.equal([ERROR.OK]);
  });

  it("session key that ends while its bundle waits: the bundle is refused", async () => {
    const guest = testKey(70);
    const setKey = (key: Uint8Array) => ({ op: "SET_SESSION_KEY", fields: { key, cap: 100, expiry: nowSeconds() + 600 } }) as const;
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, [setKey(addressOfKey(fromHex(guest)))]));
    const late = await lone.sendFor("parked", bundleOf(guest, 1, 2, transfers(2, 1)));
    await lone.sendFor("durable", bundleOf(ALICE, 1, 1, [setKey(new Uint8Array(20))]));
    await until("it is refused", () => late.rejection !== undefined);
    expect(codeOf(late)).to.equal(ERROR.H_SIGNATURE);
  });

  it("bundle whose own time ends first: waits no longer than that", async () => {
    await lone.stop();
    lone = await LoneCore.start(folder.path, { parkMs: 60_000 });
    const late = lone.send(bundleOf(ALICE, 1, 1, transfers(2, 1), nowSeconds()));
    await until("it ends", () => late.rejection !== undefined, 3_000);
    expect(late.levels).to.deep.equal(["parked", "rejected"]);
    expect(codeOf(late)).to.equal(INTAKE.WAITED_TOO_LONG);
  });

  it("end in order: what waits is refused with a code, and runs when it is sent again", async () => {
    const late = await lone.sendFor("parked", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await lone.stop();
    expect(codeOf(late)).to.equal(INTAKE.STOPPING);
    lone = await LoneCore.start(folder.path);
    const again = await lone.sendFor("parked", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("it runs", () => again.levels.includes("durable"));
  });
});
