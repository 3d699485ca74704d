import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";

import { expect } from "chai";

import { createState } from "../../../core/state/index.ts";
import type { State } from "../../../core/state/index.ts";
import { createExecutor } from "../../../core/transition/index.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { LOG_KIND } from "../../../services/sequencer/log/LogEntry.ts";
import { SegmentLog } from "../../../services/sequencer/log/SegmentLog.ts";
import type { PlacedEntry } from "../../../services/sequencer/log/SegmentLog.ts";
import { RecentBundles } from "../../../services/sequencer/RecentBundles.ts";
import { recover } from "../../../services/sequencer/recover.ts";
import type { RecoverParts } from "../../../services/sequencer/recover.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";
import { TEST_CHANNELS, TEST_DOMAIN } from "../../builders/TestRollup.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const FILE = "00000000.log";
const HEADER_BYTES = 24;
/** The segment's random mark lies here in its header; the four bytes behind it mean nothing. */
const MARK = { from: 12, to: 20 };

const hashOf = (state: State): string => state.exportSnapshot().parts.reduce((hash, { leaves }) => hash.update(leaves), createHash("sha256")).digest("hex");

/** What a replay of a log leads to, and what it said. */
interface Replayed {
  readonly position: number;
  readonly state: string;
  readonly said: string;
  readonly bytes: Buffer;
}

describe("sequencer log, damaged", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("tail");
  const dir = join(folder.path, "cut");
  const file = join(dir, FILE);
  let whole: Buffer;
  let entries: PlacedEntry[];
  /** Where the last group begins. */
  let lastGroup: number;

  /** Four groups: the accounts, one bundle, one bundle, and one of two bundles with the end of the batch. */
  before(async () => {
    const data = join(folder.path, "data");
    const lone = await LoneCore.start(data, { batchMs: 60_000 });
    await lone.deposit([ALICE, BOB], 1_000_000);
    await lone.sendFor("durable", bundleOf(ALICE, 1, 0, transfers(2, 1)));
    await lone.sendFor("durable", bundleOf(ALICE, 1, 1, transfers(2, 2)));
    const last = [bundleOf(ALICE, 1, 2, transfers(2, 1)), bundleOf(BOB, 2, 0, transfers(1, 3))].map((bytes) => lone.send(bytes));
    await until("both are durable", () => last.every(({ levels }) => levels.includes("durable")));
    whole = readFileSync(join(data, "log", FILE));
    await lone.stop();
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, whole);
    entries = [...new SegmentLog(dir, logger([])).recover(undefined)];
    lastGroup = entries.findLast(({ payload }) => payload[0] === LOG_KIND.GROUP)?.place.offset ?? NaN;
  });
  after(() => folder.remove());

  function logger(lines: string[]) {
    return createLogger({ service: "test", level: "warn", output: new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) }) });
  }

  /** Plays a log as a start does, without threads. */
  async function replay(bytes: Uint8Array): Promise<Replayed> {
    writeFileSync(file, bytes);
    const lines: string[] = [];
    const state = createState();
    const executor = createExecutor(state, { domainSeparator: TEST_DOMAIN, channels: TEST_CHANNELS, feeTable: Array<number>(24).fill(0), recover: () => null });
    const roots = { apply: () => Promise.resolve(new Uint8Array(32)) } as unknown as RecoverParts["roots"];
    const sealed = { add: () => undefined } as unknown as RecoverParts["sealed"];
    const { position } = await recover({ log: new SegmentLog(dir, logger(lines)), state, executor, roots, sealed, recent: new RecentBundles() }, { place: undefined, position: 0, head: new Uint8Array(32) });
    return { position, state: hashOf(state), said: lines.join(""), bytes: readFileSync(file) };
  }
  const codeOf = async (bytes: Uint8Array): Promise<string> => replay(bytes).then(({ position }) => `went on at ${position}`, (error: { code?: string; message: string }) => error.code ?? error.message);

  /** The largest end of an entry that is not above a length. */
  const keptOf = (length: number): number => entries.reduce((kept, { end }) => (end.offset <= length ? end.offset : kept), HEADER_BYTES);

  it("log torn at every byte of its last group: is cut back to the last whole entry, said aloud, and its state is that of the prefix", async () => {
    const prefixes = new Map<number, Replayed>();
    for (let length = lastGroup; length < whole.length; length += 1) {
      const kept = keptOf(length);
      const torn = await replay(whole.subarray(0, length));
      const prefix = prefixes.get(kept) ?? torn;
      prefixes.set(kept, prefix);
      expect([torn.bytes.length, torn.position, torn.state], `${length} bytes`).to.deep.equal([kept, prefix.position, prefix.state]);
      expect(torn.said.includes("cut back"), `${length} bytes, said aloud`).to.equal(length !== kept);
    }
    expect([...prefixes.values()].map(({ position }) => position)).to.deep.equal([3, 3, 4]);
    const all = await replay(whole);
    expect([all.position, all.said, all.bytes.equals(whole)]).to.deep.equal([7, "", true]);
    expect(new Set([...prefixes.values(), all].map(({ state }) => state)).size, "states").to.equal(3);
  });

  it("log whose last group was not written in order: is cut back all the same", async () => {
    for (let hole = lastGroup; hole + 64 < whole.length; hole += 41) {
      const bytes = Buffer.from(whole);
      bytes.fill(0, hole, hole + 64);
      const changed = bytes.findIndex((byte, at) => byte !== whole[at]);
      if (changed < 0) continue;
      const { position, bytes: left } = await replay(bytes);
      expect([left.length, position <= 4], `64 zero bytes at ${hole}`).to.deep.equal([keptOf(changed), true]);
    }
  });

  it("log that grew by zeros: is cut back to what was written", async () => {
    const { position, bytes } = await replay(Buffer.concat([whole, Buffer.alloc(8192)]));
    expect([position, bytes.equals(whole)]).to.deep.equal([7, true]);
  });

  it("flipped bit at any byte before the last group: is refused, and nothing is cut", async () => {
    for (let at = 0; at < lastGroup; at += 1) {
      if (at >= MARK.to && at < HEADER_BYTES) continue;
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
      expect(await codeOf(bytes), `byte ${at}`).to.equal(at < MARK.from ? "sequencer/logFormat" : "sequencer/logDamaged");
      expect(readFileSync(file).equals(bytes), `byte ${at}`).to.equal(true);
    }
  });

  it("file that is missing in the middle: is refused", async () => {
    const later = join(dir, "00000002.log");
    writeFileSync(later, whole);
    expect(await codeOf(whole)).to.equal("sequencer/logDamaged");
    rmSync(later);
  });
});
