import { createHash } from "node:crypto";
import { cpSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { toHex } from "../../../core/codec/hex.ts";
import type { Answers } from "../../builders/loneCore.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";

const ALICE = testKey(1);
const BOB = testKey(2);

/** What a start must lead to, whichever snapshot it begins with. */
const resultOf = ({ core }: LoneCore) => ({
  state: core.state.exportSnapshot().parts.reduce((hash, { leaves }) => hash.update(leaves), createHash("sha256")).digest("hex"),
  root: toHex(core.sealed.get(core.sealed.count - 1)?.stateRoot ?? new Uint8Array()),
  batches: core.sealed.count,
  head: toHex(core.committer.head),
  position: core.committer.position,
});

describe("sequencer snapshots", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("snapshots");
  const data = join(folder.path, "data");
  const copy = join(folder.path, "copy");
  const snapshots = join(copy, "snapshots");
  const bytes = bundleOf(ALICE, 1, 2, transfers(2, 2));
  let expected: ReturnType<typeof resultOf>;
  let first: Answers;
  /** Batches in the snapshots, ascending. */
  let counts: number[];

  /** Three orderly stops, of which the newest two snapshots are kept, and a bundle after them. */
  before(async () => {
    for (let nonce = 0; nonce < 3; nonce += 1) {
      const lone = await LoneCore.start(data);
      if (nonce === 0) await lone.deposit([ALICE, BOB], 1_000_000);
      first = await lone.sendFor("rooted", nonce === 2 ? bytes : bundleOf(ALICE, 1, nonce, transfers(2, 2)));
      await lone.stop();
    }
    const lone = await LoneCore.start(data);
    await lone.sendFor("rooted", bundleOf(BOB, 2, 0, transfers(1, 1)));
    expected = resultOf(lone);
    cpSync(data, join(folder.path, "crashed"), { recursive: true });
    await lone.stop();
    counts = readdirSync(join(folder.path, "crashed", "snapshots")).filter((name) => name.endsWith(".snapshot")).map((name) => Number(/\d+/.exec(name)?.[0])).sort((a, b) => a - b);
    expect(counts).to.have.length(2);
  });
  beforeEach(() => {
    rmSync(copy, { recursive: true, force: true });
    cpSync(join(folder.path, "crashed"), copy, { recursive: true });
  });
  after(() => folder.remove());

  const fileOf = (batchCount: number, kind: string): string => join(snapshots, `batch-${batchCount}.${kind}`);

  /** Starts on the copy; all must be as before the crash, and a retry is answered as the first time. */
  async function same(): Promise<{ said: string; entries: number }> {
    const lone = await LoneCore.start(copy);
    try {
      expect(resultOf(lone)).to.deep.equal(expected);
      expect(await lone.sendFor("rooted", bytes)).to.deep.equal(first);
      await lone.sendFor("rooted", bundleOf(BOB, 2, 1, transfers(1, 1)));
      expect(lone.failures).to.deep.equal([]);
    } finally {
      await lone.stop();
    }
    const said = lone.lines.join("");
    return { said, entries: Number(/"replayedEntries":(\d+)/.exec(said)?.[1]) };
  }

  it("whole snapshots: the newest is used", async () => {
    const { entries } = await same();
    expect(entries).to.equal(5);
  });

  it("newest snapshot without one of its files, as a kill between them leaves it: the one before is used", async () => {
    const plain = (await same()).entries;
    for (const kind of ["json", "recent"]) {
      rmSync(copy, { recursive: true });
      cpSync(join(folder.path, "crashed"), copy, { recursive: true });
      rmSync(fileOf(counts[1] ?? 0, kind));
      const { said, entries } = await same();
      expect(said, kind).to.contain("a snapshot is not whole");
      expect(entries, kind).to.be.above(plain);
    }
  });

  it("temporary file of a snapshot that was never finished: is not taken for one", async () => {
    writeFileSync(`${fileOf(99, "snapshot")}.1234.abcdef01.tmp`, "half");
    expect((await same()).entries).to.equal(5);
  });

  it("newest snapshot torn or flipped at any place: the one before is used", async () => {
    const size = readFileSync(fileOf(counts[1] ?? 0, "snapshot")).length;
    for (const place of [0, 3, 5, 7, 9, 200, Math.floor(size / 2), size - 1]) {
      for (const isTorn of [true, false]) {
        rmSync(copy, { recursive: true });
        cpSync(join(folder.path, "crashed"), copy, { recursive: true });
        const file = fileOf(counts[1] ?? 0, "snapshot");
        const content = readFileSync(file);
        content.writeUInt8(content.readUInt8(place) ^ 4, place);
        if (isTorn) truncateSync(file, place);
        else writeFileSync(file, content);
        expect((await same()).said, `byte ${place}`).to.contain("a snapshot is not whole");
      }
    }
  });

  it("flipped bit in the list of recent bundles: the snapshot before is used", async () => {
    const file = fileOf(counts[1] ?? 0, "recent");
    const content = readFileSync(file);
    content.writeUInt8(content.readUInt8(content.length >> 1) ^ 1, content.length >> 1);
    writeFileSync(file, content);
    expect((await same()).said).to.contain("a snapshot is not whole");
  });

  it("no whole snapshot: the whole log is played", async () => {
    for (const count of counts) rmSync(fileOf(count, "json"));
    expect((await same()).entries).to.be.above(10);
  });

  it("everything but the log and the chain's name gone: the log alone leads to the same", async () => {
    for (const name of readdirSync(copy)) if (name !== "log" && name !== "chain.json") rmSync(join(copy, name), { recursive: true });
    expect((await same()).entries).to.be.above(10);
  });

  it("records of node files and sealed batches that were written after the snapshot and not synchronised: are made again", async () => {
    for (const name of readdirSync(join(copy, "nodes"))) writeFileSync(join(copy, "nodes", name), Buffer.concat([readFileSync(join(copy, "nodes", name)), Buffer.alloc(4096, 7)]));
    writeFileSync(join(copy, "batches.index"), Buffer.concat([readFileSync(join(copy, "batches.index")), Buffer.alloc(800, 7)]));
    const { entries } = await same();
    expect(entries).to.equal(5);
  });

  it("log that ends before the snapshot: is refused, and nothing of it is changed", async () => {
    const log = join(copy, "log", "00000000.log");
    truncateSync(log, 300);
    const code = await LoneCore.start(copy).then(() => "started", (error: { code?: string }) => error.code);
    expect(code).to.equal("sequencer/logDamaged");
    expect(readFileSync(log)).to.have.length(300);
  });

  it("snapshots while running under load: are written one at a time, and about as often as they are due", async () => {
    const dir = join(folder.path, "load");
    const lone = await LoneCore.start(dir, { snapshotLogMib: 1, batchMs: 20, batchSlots: 514 });
    await lone.deposit([ALICE, BOB], 10_000_000);
    const sent: Answers[] = [];
    for (let nonce = 0; nonce < 200; nonce += 1) {
      sent.push(lone.send(bundleOf(ALICE, 1, nonce, transfers(2, 512))));
      if (nonce % 10 === 9) await until("few are under way", () => sent.filter(({ levels }) => !levels.includes("durable")).length < 5);
    }
    await until("all are rooted", () => sent.every(({ levels }) => levels.includes("rooted")), 30_000);
    await lone.stop();
    const written = lone.lines.filter((line) => line.includes("a snapshot was written")).length;
    expect(written, "for ten MiB of log, and one at the end").to.be.within(2, 12);
    expect(lone.lines.filter((line) => line.includes("could not be written"))).to.deep.equal([]);
  });
});
