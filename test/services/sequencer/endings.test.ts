import { join } from "node:path";

import { expect } from "chai";

import { encodeHeader, encodeRecord, fromHex } from "../../../core/codec/index.ts";
import { AUTH, OP } from "../../../core/generated/protocol.ts";
import type { Clock } from "../../../runtime/clock/Clock.ts";
import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { addressOfKey } from "../../../runtime/crypto/secp.ts";
import { SequencerError } from "../../../services/sequencer/SequencerError.ts";
import type { HeadSigner } from "../../../services/sequencer/heads/HeadSigner.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";
import { concatBytes } from "../../builders/signedBundle.ts";

const ALICE = testKey(1);
const BOB = testKey(2);

describe("sequencer core in trouble", function () {
  this.timeout(30_000);
  const folder = temporaryFolder("trouble");
  let count = 0;
  let data = "";
  beforeEach(() => {
    data = join(folder.path, String((count += 1)));
  });
  after(() => folder.remove());

  /** A signer that does what the test says. */
  function signerThat(sign: () => Promise<Uint8Array>): HeadSigner & { isAbandoned: boolean } {
    return {
      isAway: false,
      isAbandoned: false,
      abandon() {
        this.isAbandoned = true;
      },
      signHead: sign,
      signRoot: sign,
    };
  }

  it("signer that refuses for good: ends the core, which stops in order and goes on after a restart", async () => {
    let isRefusing = false;
    const signer = signerThat(() => (isRefusing ? Promise.reject(new Error("no")) : Promise.resolve(new Uint8Array(64))));
    const lone = await LoneCore.start(data, {}, { signer });
    await lone.deposit([ALICE, BOB], 1000);
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    isRefusing = true;
    const lost = lone.send(bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await until("the failure is told", () => lone.failures.length > 0);
    const refused = lone.send(bundleOf(BOB, 2, 0, transfers(1, 1)));
    expect(refused.levels).to.deep.equal(["rejected"]);
    expect(lost.levels).to.deep.equal(["sequenced"]);
    expect(lone.core.pipeline.isWell).to.equal(false);
    await lone.stop();
    const again = await LoneCore.start(data);
    const answered = await again.sendFor("rooted", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    expect(answered.record?.position).to.equal(1);
    await again.stop();
  });

  it("disk that hangs without failing: no more bundles are taken beyond a bound", async () => {
    let release: () => void = () => undefined;
    const hanging = new Promise<Uint8Array>((resolve) => (release = () => resolve(new Uint8Array(64))));
    const signer = signerThat(() => hanging);
    const lone = await LoneCore.start(data, { maxQueue: 100_000, maxQueuePerClient: 100_000, batchMs: 60_000 }, { signer });
    await lone.deposit([ALICE, BOB], 10_000_000);
    const bytes = Array.from({ length: 2_000 }, (_, nonce) => bundleOf(ALICE, 1, nonce, transfers(2, 512)));
    let refused = 0;
    for (const each of bytes) {
      if (lone.send(each).levels.includes("rejected")) refused += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (refused > 0) break;
    }
    expect(refused).to.be.above(0);
    release();
    await lone.stop();
  });

  it("wall clock that is set back: batches end and waiting bundles expire all the same", async () => {
    let backMs = 0;
    const clock: Clock = { ...systemClock, nowMs: () => Date.now() - backMs, nowSeconds: () => Math.floor((Date.now() - backMs) / 1000) };
    const lone = await LoneCore.start(data, { parkMs: 200 }, { clock });
    await lone.deposit([ALICE, BOB], 1000);
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    const l2Time = lone.core.pipeline.l2Time;
    const waiting = await lone.sendFor("parked", bundleOf(ALICE, 1, 5, transfers(2, 1)));
    backMs = 3_600_000;
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await until("the waiting one expires", () => waiting.rejection !== undefined);
    expect(lone.core.pipeline.l2Time).to.be.at.least(l2Time);
    await lone.stop();
  });

  it("waiting bundle that came in a large message: keeps only its own bytes", async () => {
    const lone = await LoneCore.start(data);
    await lone.deposit([ALICE, BOB], 1000);
    const bytes = bundleOf(ALICE, 1, 1, transfers(2, 1));
    const message = new Uint8Array(1_000_000);
    message.set(bytes, 500_000);
    const waiting = await lone.sendFor("parked", message.subarray(500_000, 500_000 + bytes.length));
    message.fill(0);
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("the waiting one runs, though the message is gone", () => waiting.levels.includes("durable"));
    await lone.stop();
  });

  it("forced bundle that closes a gap: wakes the bundle that waits behind it", async () => {
    const lone = await LoneCore.start(data, { parkMs: 5_000 });
    await lone.deposit([ALICE, BOB], 1000);
    const waiting = await lone.sendFor("parked", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    const forced = concatBytes(encodeHeader({ agent: 1, nonce: 0, count: 1, validUntil: 0xffffffff, auth: AUTH.L1_SENDER }), encodeRecord("TRANSFER", { to: 2, amount: 1 }));
    const { pipeline } = lone.core;
    pipeline.addEntries([{ index: pipeline.nextEntry, entry: { kind: OP.FORCED, sender: addressOfKey(fromHex(ALICE)), account: new Uint8Array(20), value: 0, slots: 2, dataRoot: new Uint8Array(32), dueTime: 0xffffffff, data: forced } }]);
    await until("the waiting one runs", () => waiting.levels.includes("durable"));
    await lone.stop();
  });

  it("signer that is away at the end: is not waited for", async () => {
    let isAway = false;
    const signer = signerThat(() => (isAway ? Promise.reject(new SequencerError("sequencer/signerAway", {}, "retry", { what: "away" })) : Promise.resolve(new Uint8Array(64))));
    const lone = await LoneCore.start(data, {}, { signer });
    await lone.deposit([ALICE, BOB], 1000);
    await until("their batch is sealed", () => lone.core.sealed.count === 1);
    isAway = true;
    lone.send(bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("the failure is told", () => lone.failures.length > 0);
    await lone.stop();
    const again = await LoneCore.start(data);
    expect(again.core.pipeline.position).to.equal(1);
    await again.stop();
  });
});
