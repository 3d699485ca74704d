import { appendFileSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { toHex } from "../../../core/codec/hex.ts";
import type { Answers } from "../../builders/loneCore.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const FUNDS = 1_000_000;
const SEGMENT = "00000000.log";

/** Balances, nonces and everything else, as bytes. */
const stateOf = ({ core }: LoneCore): string => core.state.exportSnapshot().parts.map(({ leaves }) => toHex(leaves)).join();

async function codeOf(start: Promise<LoneCore>): Promise<unknown> {
  return await start.then(
    () => "started",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}

describe("sequencer recovery", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("recovery");
  const copy = join(folder.path, "copy");
  const data = join(folder.path, "data");
  let lone: LoneCore | undefined;

  /** As the files are at this moment: what `kill -9` leaves. */
  function crash(): void {
    rmSync(copy, { recursive: true, force: true });
    cpSync(data, copy, { recursive: true, filter: (path) => !path.includes("agnt2.lock") });
  }

  async function run(bundles: number, config = {}): Promise<Answers[]> {
    lone = await LoneCore.start(data, { batchMs: 30, ...config });
    await lone.deposit([ALICE, BOB], FUNDS);
    const answers: Answers[] = [];
    for (let nonce = 0; nonce < bundles; nonce += 1) answers.push(await (lone as LoneCore).sendFor("durable", bundleOf(ALICE, 1, nonce, transfers(2, 2))));
    return answers;
  }

  afterEach(async () => {
    await lone?.stop();
    lone = undefined;
    rmSync(copy, { recursive: true, force: true });
    rmSync(data, { recursive: true, force: true });
  });
  after(() => folder.remove());

  it("crash: the log alone leads to the same state, heads and batches", async () => {
    await run(10);
    await until("the last batch is sealed", () => lone!.core.sealed.get(lone!.core.sealed.count - 1)?.position === 20);
    crash();
    const before = stateOf(lone!);
    const { head, position } = lone!.core.committer;
    await lone!.stop();
    lone = await LoneCore.start(copy);
    expect(stateOf(lone)).to.equal(before);
    expect(toHex(lone.core.committer.head)).to.equal(toHex(head));
    expect(lone.core.committer.position).to.equal(position);
  });

  it("retry after a crash: is answered with the same signed head, and runs once", async () => {
    const bytes = bundleOf(ALICE, 1, 0, transfers(2, 2));
    lone = await LoneCore.start(data);
    await lone.deposit([ALICE, BOB], FUNDS);
    const first = await lone.sendFor("rooted", bytes);
    crash();
    await lone.stop();
    lone = await LoneCore.start(copy);
    const again = await lone.sendFor("rooted", bytes);
    expect(again).to.deep.equal(first);
    expect(lone.core.pipeline.position).to.equal(2);
  });

  it("retry after a restart from a snapshot: is answered with the same signed head", async () => {
    const bytes = bundleOf(ALICE, 1, 0, transfers(2, 2));
    lone = await LoneCore.start(data);
    await lone.deposit([ALICE, BOB], FUNDS);
    const first = await lone.sendFor("rooted", bytes);
    await lone.stop();
    lone = await LoneCore.start(data);
    expect(lone.lines.join("")).to.match(/"replayedEntries":0/);
    expect(await lone.sendFor("rooted", bytes)).to.deep.equal(first);
  });

  it("retry of a bundle in a batch that a crash left open: is rooted with its batch", async () => {
    const bytes = bundleOf(ALICE, 1, 0, transfers(2, 2));
    lone = await LoneCore.start(data, { batchMs: 1500 });
    await lone.deposit([ALICE, BOB], FUNDS);
    const first = await lone.sendFor("durable", bytes);
    crash();
    await lone.stop();
    lone = await LoneCore.start(copy, { batchMs: 200 });
    const again = await lone.sendFor("rooted", bytes);
    expect(again.head).to.deep.equal(first.head);
  });

  it("torn group whose first bundles are whole: heads are the same at every later restart", async () => {
    lone = await LoneCore.start(data, { batchMs: 60_000 });
    await lone.deposit([ALICE, BOB], FUNDS);
    const both = [lone.send(bundleOf(ALICE, 1, 0, transfers(2, 2))), lone.send(bundleOf(BOB, 2, 0, transfers(1, 2)))];
    await until("both are durable", () => both.every(({ levels }) => levels.includes("durable")));
    expect(both[0]?.head?.head).to.deep.equal(both[1]?.head?.head);
    crash();
    await lone.stop();
    truncateSync(join(copy, "log", SEGMENT), readFileSync(join(copy, "log", SEGMENT)).length - 10);
    lone = await LoneCore.start(copy, { batchMs: 60_000 });
    expect(lone.core.pipeline.position).to.equal(2);
    const next = await lone.sendFor("durable", bundleOf(BOB, 2, 0, transfers(1, 2)));
    rmSync(data, { recursive: true, force: true });
    cpSync(copy, data, { recursive: true });
    await lone.stop();
    lone = await LoneCore.start(data);
    expect(toHex(lone.core.committer.head)).to.equal(toHex(next.head?.head ?? new Uint8Array()));
  });

  it("flipped bit in a group before the last: is refused, nothing is cut", async () => {
    await run(6, { batchMs: 60_000 });
    crash();
    const file = join(copy, "log", SEGMENT);
    const bytes = readFileSync(file);
    const at = Math.floor(bytes.length / 2);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
    expect(await codeOf(LoneCore.start(copy))).to.equal("sequencer/logDamaged");
    expect(readFileSync(file)).to.deep.equal(bytes);
  });

  it("tail that a client's bytes make look like a group: is cut back all the same", async () => {
    await run(2, { batchMs: 60_000 });
    crash();
    const file = join(copy, "log", SEGMENT);
    const bytes = readFileSync(file);
    const group = Buffer.from(bytes.subarray(24, 45));
    group.fill(9, 13); // without the segment's mark
    appendFileSync(file, Buffer.concat([Buffer.alloc(30, 1), group]));
    await lone!.stop();
    lone = await LoneCore.start(copy);
    expect(lone.core.pipeline.position).to.equal(4);
  });

  it("log of a format that is not known: is refused", async () => {
    await run(1);
    crash();
    const file = join(copy, "log", SEGMENT);
    const bytes = readFileSync(file);
    bytes.writeUInt32BE(99, 8);
    writeFileSync(file, bytes);
    expect(await codeOf(LoneCore.start(copy))).to.equal("sequencer/logFormat");
  });

  it("data of another chain: are refused", async () => {
    await run(1);
    crash();
    writeFileSync(join(copy, "chain.json"), JSON.stringify({ domainSeparator: `0x${"00".repeat(32)}` }));
    expect(await codeOf(LoneCore.start(copy))).to.equal("sequencer/otherChain");
  });

  it("node files that are gone while the snapshot is there: are refused with what to do, and doing it helps", async () => {
    await run(4);
    await lone!.core.stopPipeline();
    const before = stateOf(lone!);
    await lone!.core.stop();
    lone = undefined;
    rmSync(join(data, "nodes"), { recursive: true });
    expect(await codeOf(LoneCore.start(data))).to.equal("sequencer/worker");
    for (const folderName of ["nodes", "snapshots"]) rmSync(join(data, folderName), { recursive: true, force: true });
    lone = await LoneCore.start(data);
    expect(stateOf(lone)).to.equal(before);
  });

  it("log that ends before the snapshot: is refused", async () => {
    await run(4);
    await lone!.stop();
    lone = undefined;
    truncateSync(join(data, "log", SEGMENT), 100);
    expect(await codeOf(LoneCore.start(data))).to.equal("sequencer/logDamaged");
  });

  it("snapshot that is torn: is passed over, the whole log is played", async () => {
    await run(4);
    await lone!.core.stopPipeline();
    const before = stateOf(lone!);
    await lone!.core.stop();
    lone = undefined;
    const snapshots = join(data, "snapshots");
    for (const name of readdirSync(snapshots)) if (name.endsWith(".snapshot")) truncateSync(join(snapshots, name), 500);
    lone = await LoneCore.start(data);
    expect(stateOf(lone)).to.equal(before);
    expect(lone.lines.join("")).to.match(/a snapshot is not whole/);
  });

  it("snapshots while running: are written after so much log, and a crash replays from the newest", async () => {
    lone = await LoneCore.start(data, { snapshotLogMib: 1, batchMs: 20 });
    await lone.deposit([ALICE, BOB], FUNDS);
    const snapshots = join(data, "snapshots");
    let nonce = 0;
    for (; readdirSync(snapshots).filter((name) => name.endsWith(".json")).length < 2; nonce += 1) {
      expect(nonce, "bundles until two snapshots").to.be.below(100);
      await lone.sendFor("durable", bundleOf(ALICE, 1, nonce, transfers(2, 512)));
    }
    await lone.sendFor("rooted", bundleOf(BOB, 2, 0, transfers(1, 3)));
    crash();
    const before = stateOf(lone);
    const { head } = lone.core.committer;
    await lone.stop();
    lone = await LoneCore.start(copy);
    expect(stateOf(lone)).to.equal(before);
    expect(toHex(lone.core.committer.head)).to.equal(toHex(head));
    const replayed = Number(/"replayedEntries":(\d+)/.exec(lone.lines.join(""))?.[1]);
    expect(replayed, "the whole log has two entries and more for each bundle").to.be.below(2 * nonce);
    expect(existsSync(join(copy, "batches.index"))).to.equal(true);
  });
});
