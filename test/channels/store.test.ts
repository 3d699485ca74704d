import { appendFileSync, cpSync, openSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { ChannelStore } from "../../sdk/node/channels/store/ChannelStore.ts";
import type { ChannelRecord } from "../../sdk/node/channels/store/ChannelStore.ts";
import { temporaryFolder } from "../builders/loneCore.ts";
import { canMount, mountSmallDisk } from "../builders/smallDisk.ts";

const id = new Uint8Array(32).fill(7);
const other = new Uint8Array(32).fill(8);
const body = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (records: readonly ChannelRecord[]): string[] => records.map((record) => Buffer.from(record.body).toString());
const durable = (store: ChannelStore): Promise<void> => new Promise((resolve, reject) => store.whenDurable((error) => (error === undefined ? resolve() : reject(error))));
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("channel store", function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => void (folder = temporaryFolder("channels")));
  afterEach(() => folder.remove());

  async function written(...lines: string[]): Promise<void> {
    const store = ChannelStore.open(folder.path);
    for (const line of lines) {
      store.append(id, 1, body(line));
      await durable(store);
    }
    await store.close();
  }
  async function found(): Promise<string[]> {
    const store = ChannelStore.open(folder.path);
    const records = texts(store.attach(id, () => []));
    await store.close();
    return records;
  }
  const logFile = (): string => join(folder.path, readdirSync(folder.path).filter((name) => name.endsWith(".log")).at(-1)!);
  /** Where the last byte that is not zero stands. */
  const endOf = (bytes: Buffer): number => bytes.findLastIndex((byte) => byte !== 0) + 1;

  it("records: come back in their order, each channel its own", async () => {
    const store = ChannelStore.open(folder.path);
    for (let i = 0; i < 1_000; i += 1) store.append(i % 2 === 0 ? id : other, i % 256, body(String(i)));
    await durable(store);
    await store.close();
    const again = ChannelStore.open(folder.path);
    expect(again.channelIds.map((each) => each[0]).sort()).to.deep.equal([7, 8]);
    const records = again.attach(id, () => []);
    expect(texts(records)).to.deep.equal(Array.from({ length: 500 }, (_, i) => String(2 * i)));
    expect(records.map(({ kind }) => kind).slice(0, 3)).to.deep.equal([0, 2, 4]);
    await again.close();
  });

  it("appends of one turn: share one fdatasync", async () => {
    const store = ChannelStore.open(folder.path);
    const before = store.commits;
    await Promise.all(Array.from({ length: 100 }, (_, i) => (store.append(id, 0, body(String(i))), durable(store))));
    expect(store.commits - before).to.equal(1);
    await store.close();
  });

  it("what was written and not synced: is there after the process died, in its place", async () => {
    const store = ChannelStore.open(folder.path);
    store.append(id, 0, body("a"));
    await durable(store);
    const before = store.commits;
    store.append(id, 0, body("b"));
    expect(store.write()).to.equal(true);
    store.append(id, 0, body("c"));
    expect([store.write(), store.write(), store.commits]).to.deep.equal([true, true, before]);
    // What a process that is killed now leaves to the next one: a copy, since this one still holds its lock.
    const copy = temporaryFolder("channels-copy");
    for (const name of readdirSync(folder.path).filter((each) => each.endsWith(".log"))) cpSync(join(folder.path, name), join(copy.path, name));
    const next = ChannelStore.open(copy.path);
    expect(texts(next.attach(id, () => []))).to.deep.equal(["a", "b", "c"]);
    await next.close();
    copy.remove();
    store.append(id, 0, body("d"));
    await durable(store);
    await store.close();
    expect(await found()).to.deep.equal(["a", "b", "c", "d"]);
  });

  it("writes beside commits and fresh segments: lose nothing and keep the order", async () => {
    const store = ChannelStore.open(folder.path, { segmentBytes: 4_096 });
    const all: string[] = [];
    store.attach(id, () => all.map((text) => ({ kind: 0, body: body(text) })));
    let waiting = 0;
    for (let i = 0; i < 3_000; i += 1) {
      all.push(`${i}`);
      store.append(id, 0, body(`${i}`));
      if (i % 3 !== 0) store.write();
      if (i % 7 === 0) {
        waiting += 1;
        void durable(store).then(() => (waiting -= 1));
      }
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await durable(store);
    await store.close();
    expect(waiting).to.equal(0);
    expect(await found()).to.deep.equal(all);
  });

  it("a torn end: is cut back to the last whole group, and writing goes on", async () => {
    await written("a", "b", "c");
    const bytes = readFileSync(logFile());
    writeFileSync(logFile(), bytes.subarray(0, endOf(bytes) - 1));
    const kept = await found();
    expect(kept).to.deep.equal(["a", "b"]);
    await written("d");
    expect(await found()).to.deep.equal([...kept, "d"]);
  });

  it("a byte that turned in the last group: drops that group only", async () => {
    const store = ChannelStore.open(folder.path);
    store.append(id, 1, body("kept"));
    await durable(store);
    store.append(id, 1, body("torn"));
    await durable(store);
    await store.close();
    const bytes = readFileSync(logFile());
    const at = bytes.indexOf("torn");
    const fd = openSync(logFile(), "r+");
    writeSync(fd, Buffer.from("T"), 0, 1, at);
    closeSync(fd);
    expect(await found()).to.deep.equal(["kept"]);
  });

  it("a byte that turned before the last group: is refused, since what it said was acknowledged", async () => {
    await written("first", "second");
    const bytes = readFileSync(logFile());
    bytes[bytes.indexOf("first")] = 0;
    writeFileSync(logFile(), bytes);
    expect(await codeOf(() => ChannelStore.open(folder.path))).to.equal("channel/store-damaged");
  });

  it("another format: is refused", async () => {
    await written("x");
    const bytes = readFileSync(logFile());
    bytes[11] = 99;
    writeFileSync(logFile(), bytes);
    expect(await codeOf(() => ChannelStore.open(folder.path))).to.equal("channel/store-format");
  });

  it("a second process or a second opening: is refused while the first has it", async () => {
    const store = ChannelStore.open(folder.path);
    expect(await codeOf(() => ChannelStore.open(folder.path))).to.equal("channel/store-locked");
    await store.close();
    await ChannelStore.open(folder.path).close();
  });

  it("each opening: has an instance of its own; a copy has the same name", async () => {
    const copy = temporaryFolder("copied");
    await written("x");
    cpSync(folder.path, copy.path, { recursive: true });
    const [a, b] = [ChannelStore.open(folder.path), ChannelStore.open(copy.path)];
    expect(a.name).to.match(/^[0-9a-f]{32}$/).and.to.equal(b.name);
    expect(a.instance).to.not.deep.equal(b.instance);
    await Promise.all([a.close(), b.close()]);
    copy.remove();
  });

  it("a long channel: stays short on disk, and starts from its snapshot", async () => {
    const segmentBytes = 64 * 1024;
    const earlier = ChannelStore.open(folder.path, { segmentBytes });
    earlier.append(other, 5, body("not attached in the next life"));
    await durable(earlier);
    await earlier.close();
    const store = ChannelStore.open(folder.path, { segmentBytes });
    let sum = 0;
    store.attach(id, () => [{ kind: 9, body: body(String(sum)) }]);
    for (let i = 0; i < 400; i += 1) {
      sum += 1;
      store.append(id, 1, new Uint8Array(4_096).fill(1));
      await durable(store);
    }
    await store.close();
    const sizes = readdirSync(folder.path).filter((name) => name.endsWith(".log")).map((name) => statSync(join(folder.path, name)).size);
    expect(sizes.length).to.be.at.most(2);
    expect(Math.max(...sizes)).to.be.lessThan(1024 * 1024);
    const again = ChannelStore.open(folder.path, { segmentBytes });
    const [snapshot, ...later] = again.attach(id, () => []);
    expect(snapshot.kind).to.equal(9);
    expect(Number(Buffer.from(snapshot.body).toString()) + later.length).to.equal(400);
    expect(again.channelIds).to.have.length(2);
    await again.close();
  });

  it("a crash while a fresh segment was made: goes back to the one before", async () => {
    await written("x", "y");
    appendFileSync(join(folder.path, "next.draft"), "half of something");
    expect(await found()).to.deep.equal(["x", "y"]);
  });

  it("a full disk: tells so, acknowledges nothing, and goes on when there is room", async function () {
    if (!canMount()) return this.skip();
    const dir = join(folder.path, "disk");
    const disk = mountSmallDisk(dir, 1);
    try {
      const store = ChannelStore.open(dir);
      store.append(id, 1, new Uint8Array(3 * 1024 * 1024).fill(1));
      let isDurable = false;
      const done = durable(store).then(() => (isDurable = true));
      while (!store.isFull) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(isDurable).to.equal(false);
      disk.resize(16);
      await done;
      expect(store.isFull).to.equal(false);
      await store.close();
      const again = ChannelStore.open(dir);
      expect(again.attach(id, () => [])[0].body.length).to.equal(3 * 1024 * 1024);
      await again.close();
    } finally {
      disk.remove();
    }
  });

  it("closing with a full disk: tells those who wait", async function () {
    if (!canMount()) return this.skip();
    const dir = join(folder.path, "disk");
    const disk = mountSmallDisk(dir, 1);
    try {
      const store = ChannelStore.open(dir);
      store.append(id, 1, new Uint8Array(3 * 1024 * 1024).fill(1));
      const done = codeOf(() => durable(store));
      while (!store.isFull) await new Promise((resolve) => setTimeout(resolve, 10));
      await store.close();
      expect(await done).to.equal("channel/store-full");
    } finally {
      disk.remove();
    }
  });
});
