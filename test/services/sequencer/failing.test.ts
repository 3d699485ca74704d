import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../../runtime/clock/systemClock.ts";
import type { HeadSigner } from "../../../services/sequencer/heads/HeadSigner.ts";
import { INTAKE } from "../../../services/sequencer/Submission.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";
import type { Answers } from "../../builders/loneCore.ts";
import { canMount, mountSmallDisk } from "../../builders/smallDisk.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const HOUR_MS = 3_600_000;
/** An end in order gives up the disk and the signer after ten seconds. */
const STOP_MS = 14_000;

/** A signer whose answers the test decides. */
class TestSigner implements HeadSigner {
  isAway = false;
  mode: "answers" | "refuses" | "hangs" = "answers";
  #release: () => void = () => undefined;
  #giveUp: (error: Error) => void = () => undefined;

  abandon(): void {
    this.#giveUp(new Error("given up"));
  }

  async signHead(): Promise<Uint8Array> {
    if (this.mode === "refuses") throw new Error("the signer refuses");
    if (this.mode === "hangs") await new Promise<void>((resolve, reject) => ([this.#release, this.#giveUp] = [resolve, reject]));
    return new Uint8Array(64);
  }

  signRoot(): Uint8Array {
    return new Uint8Array(64);
  }

  answer(): void {
    this.mode = "answers";
    this.#release();
  }
}

describe("sequencer that cannot go on", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("failing");
  let count = 0;
  const newDir = (): string => join(folder.path, String((count += 1)));
  after(() => folder.remove());

  async function start(dir: string, config = {}, parts: Parameters<typeof LoneCore.start>[2] = {}): Promise<LoneCore> {
    const lone = await LoneCore.start(dir, config, parts);
    await lone.deposit([ALICE, BOB], 10_000_000);
    await until("their batch is sealed", () => lone.core.sealed.count === 1);
    return lone;
  }
  async function endsInTime(lone: LoneCore): Promise<void> {
    const startedAt = Date.now();
    await Promise.race([lone.stop(), new Promise((_resolve, reject) => setTimeout(() => reject(new Error("it does not end")), STOP_MS))]);
    expect(Date.now() - startedAt).to.be.below(STOP_MS);
  }

  it("signer that refuses: nothing is acknowledged or taken any more, and the end comes at once", async () => {
    const signer = new TestSigner();
    const dir = newDir();
    const lone = await start(dir, {}, { signer });
    signer.mode = "refuses";
    const held = lone.send(bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await until("it is told", () => lone.failures.length > 0);
    const next = await lone.sendFor("rejected", bundleOf(BOB, 2, 0, transfers(1, 1)));
    expect([next.rejection?.code, held.levels]).to.deep.equal([INTAKE.STOPPING, ["sequenced"]]);
    await endsInTime(lone);
    const again = await LoneCore.start(dir);
    expect((await again.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)))).record?.position, "it was in the log and runs once").to.equal(0);
    await again.stop();
  });

  it("log on a full disk: no answer until it can be written, a code meanwhile, and nothing is lost", async () => {
    const dir = newDir();
    const lone = await start(dir);
    const disk = await fullDisk(dir);
    const held = Array.from({ length: 5 }, (_, nonce) => lone.send(bundleOf(ALICE, 1, nonce, transfers(2, 3))));
    await until("it is noticed", () => lone.core.committer.isDiskFull);
    const refused = await lone.sendFor("rejected", bundleOf(BOB, 2, 0, transfers(1, 1)));
    expect([refused.rejection?.code, lone.core.committer.position]).to.deep.equal([INTAKE.DISK_FULL, 0]);
    expect(held.every(({ levels }) => !levels.includes("durable"))).to.equal(true);
    disk.empty();
    await until("all are rooted", () => held.every(({ levels }) => levels.includes("rooted")));
    expect((await lone.sendFor("durable", bundleOf(BOB, 2, 0, transfers(1, 1)))).rejection).to.equal(undefined);
    const { position, head } = lone.core.committer;
    await lone.stop();
    expect(lone.failures).to.deep.equal([]);
    const again = await LoneCore.start(dir);
    expect([again.core.committer.position, again.core.committer.head]).to.deep.equal([position, head]);
    await again.stop();
  });

  it("log on a full disk at the end: is given up in time, and what was told is there at the next start", async () => {
    const dir = newDir();
    const lone = await start(dir);
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    const disk = await fullDisk(dir);
    const held = lone.send(bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await until("it is noticed", () => lone.core.committer.isDiskFull);
    await endsInTime(lone);
    disk.empty();
    expect(held.levels).to.not.include("durable");
    const again = await LoneCore.start(dir);
    expect(again.core.committer.position).to.equal(1);
    await again.sendFor("durable", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    await again.stop();
  });

  // Only root may mount; the tests before show the same for the log alone.
  if (canMount()) it("whole file system full: no answer until there is room again, and nothing is lost", async () => {
    const dir = newDir();
    const file = join(dir, "ballast");
    const disk = mountSmallDisk(dir, 16);
    try {
      const lone = await start(dir, { batchMs: 20 });
      writeFileSync(file, Buffer.alloc(10 * 1024 * 1024));
      const sent: Answers[] = [];
      for (let nonce = 0; nonce < 400 && !sent.some(({ rejection }) => rejection !== undefined); nonce += 1) {
        sent.push(lone.send(bundleOf(ALICE, 1, nonce, transfers(2, 512))));
        await systemClock.sleep(2);
      }
      const refused = sent.pop();
      expect(refused?.rejection?.code).to.equal(INTAKE.DISK_FULL);
      await systemClock.sleep(1_500);
      expect(lone.failures, "it waits").to.deep.equal([]);
      const told = sent.filter(({ levels }) => levels.includes("durable")).length;
      expect(told).to.be.below(sent.length);
      disk.resize(64);
      await until("all are rooted", () => sent.every(({ levels }) => levels.includes("rooted")), 20_000);
      await lone.sendFor("rooted", bundleOf(BOB, 2, 0, transfers(1, 1)));
      const { position, head } = lone.core.committer;
      const root = lone.core.sealed.get(lone.core.sealed.count - 1)?.stateRoot;
      await lone.stop();
      expect(lone.failures).to.deep.equal([]);
      const again = await LoneCore.start(dir);
      expect([again.core.committer.position, again.core.committer.head, again.core.sealed.get(again.core.sealed.count - 1)?.stateRoot]).to.deep.equal([position, head, root]);
      await again.stop();
    } finally {
      disk.remove();
    }
  });

  it("signer that hangs: no more is taken than fits the memory, and all is answered when it comes back", async () => {
    const signer = new TestSigner();
    const lone = await start(newDir(), { maxQueue: 200 }, { signer });
    signer.mode = "hangs";
    const sent: Answers[] = [];
    for (let nonce = 0; nonce < 4_000 && !sent.some(({ rejection }) => rejection !== undefined); nonce += 1) {
      sent.push(lone.send(bundleOf(ALICE, 1, nonce, transfers(2, 512))));
      while (lone.core.pipeline.queueLength > 50) await systemClock.sleep(1);
    }
    expect(sent.pop()?.rejection?.code, "after about 64 MiB").to.equal(INTAKE.BUSY);
    expect(sent.length).to.be.within(100, 3_000);
    signer.answer();
    await until("all are rooted", () => sent.every(({ levels }) => levels.includes("rooted")), 30_000);
    await endsInTime(lone);
    expect(lone.failures).to.deep.equal([]);
  });

  it("signer that hangs at the end: is given up in time, and what it did not sign was not acknowledged", async () => {
    const signer = new TestSigner();
    const dir = newDir();
    const lone = await start(dir, {}, { signer });
    signer.mode = "hangs";
    const bytes = bundleOf(ALICE, 1, 0, transfers(2, 1));
    const held = lone.send(bytes);
    await until("it runs", () => held.levels.includes("sequenced"));
    await endsInTime(lone);
    expect(held.levels).to.deep.equal(["sequenced"]);
    const again = await LoneCore.start(dir);
    expect((await again.sendFor("rooted", bytes)).record?.position).to.equal(0);
    await again.stop();
  });

  it("clock that goes back an hour: batches are sealed and waits end as before", async () => {
    let shiftMs = 0;
    const clock = { ...systemClock, nowMs: () => Date.now() + shiftMs, nowSeconds: () => Math.floor((Date.now() + shiftMs) / 1000) };
    const lone = await start(newDir(), { parkMs: 500 }, { clock });
    const waiting = await lone.sendFor("parked", bundleOf(BOB, 2, 5, transfers(1, 1)));
    const before = lone.core.pipeline.l2Time;
    shiftMs = -HOUR_MS;
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 1, transfers(2, 1)));
    expect(lone.core.pipeline.l2Time, "the chain's time never goes back").to.be.at.least(before);
    await until("the wait ends", () => waiting.rejection?.code === INTAKE.WAITED_TOO_LONG, 2_000);
    await lone.stop();
  });
});

/** Makes every write to the log's newest file fail for want of space, until it is emptied. */
async function fullDisk(dir: string): Promise<{ empty(): void }> {
  const handle = await open(join(dir, "log", "00000000.log"), "r");
  const prototype = Object.getPrototypeOf(handle) as { write: FileHandle["write"] };
  await handle.close();
  const { write } = prototype;
  prototype.write = () => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }));
  return { empty: () => void (prototype.write = write) };
}
