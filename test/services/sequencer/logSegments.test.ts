import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";

import { expect } from "chai";

import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { LOG_KIND } from "../../../services/sequencer/log/LogEntry.ts";
import { SEGMENT_BYTES, SegmentLog } from "../../../services/sequencer/log/SegmentLog.ts";
import { temporaryFolder } from "../../builders/loneCore.ts";

const PAYLOAD_BYTES = 12 * 1024 * 1024;
/** So many payloads fill a segment. */
const PAYLOADS = Math.ceil(SEGMENT_BYTES / PAYLOAD_BYTES);
const SECOND = "00000001.log";

describe("sequencer log, in several files", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("segments");
  const dir = join(folder.path, "log");
  const second = join(dir, SECOND);
  const lines: string[] = [];
  const logger = createLogger({ service: "test", level: "warn", output: new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) }) });
  afterEach(() => folder.remove());

  /** The first byte says that it is a bundle, the second which one. */
  const payload = (number: number, bytes = 64): Uint8Array => new Uint8Array(bytes).fill(number).fill(LOG_KIND.BUNDLE, 0, 1);

  /** A log whose first file is full: what is written next begins the second. */
  async function fullLog(): Promise<SegmentLog> {
    const log = new SegmentLog(dir, logger);
    expect([...log.recover(undefined)]).to.deep.equal([]);
    for (let i = 0; i < PAYLOADS; i += 1) await log.append([payload(i, PAYLOAD_BYTES)], { bundles: 1, slot: 0 });
    return log;
  }
  /** Which bundles a start finds. */
  function bundles(): { log: SegmentLog; found: number[] } {
    const log = new SegmentLog(dir, logger);
    const found = [...log.recover(undefined)].filter(({ payload: entry }) => entry[0] === LOG_KIND.BUNDLE).map(({ payload: entry }) => entry[1] ?? NaN);
    return { log, found };
  }
  const first = Array.from({ length: PAYLOADS }, (_, i) => i);
  const codeOf = (): string => {
    try {
      bundles();
      return "started";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it("entries of two files: are found and read across the border", async () => {
    const log = await fullLog();
    const from = log.end;
    const start = await log.append([payload(100)], { bundles: 1, slot: 0 });
    expect([from.segment, start.segment]).to.deep.equal([0, 1]);
    await log.append([payload(101), payload(102)], { bundles: 2, slot: 0 });
    const between = log.read({ segment: 0, offset: from.offset }, log.end).filter((entry) => entry[0] === LOG_KIND.BUNDLE);
    expect(between.map((entry) => entry[1])).to.deep.equal([100, 101, 102]);
    await log.close();
    expect(bundles().found).to.deep.equal([...first, 100, 101, 102]);
  });

  it("second file torn at its start, as a power cut leaves it: is begun again", async () => {
    const log = await fullLog();
    await log.append([payload(100)], { bundles: 1, slot: 0 });
    await log.close();
    for (const content of [Buffer.alloc(0), readFileSync(second).subarray(0, 11), Buffer.alloc(24)]) {
      writeFileSync(second, content);
      const { log: again, found } = bundles();
      expect(found, `${content.length} bytes`).to.deep.equal(first);
      await again.append([payload(7)], { bundles: 1, slot: 0 });
      await again.close();
      expect(bundles().found, `${content.length} bytes`).to.deep.equal([...first, 7]);
    }
    expect(lines.filter((line) => line.includes("torn at its start"))).to.have.length(3);
  });

  it("damage in the first file while the second is there: is refused, wherever it lies", async () => {
    const log = await fullLog();
    await log.append([payload(100)], { bundles: 1, slot: 0 });
    await log.close();
    const file = join(dir, "00000000.log");
    const size = readFileSync(file).length;
    truncateSync(file, size - 5);
    expect(codeOf()).to.equal("sequencer/logDamaged");
    expect(readFileSync(file)).to.have.length(size - 5);
    rmSync(file);
    expect(codeOf()).to.equal("sequencer/logDamaged");
  });

  it("disk that has no room for the second file: is tried again, and nothing is lost", async () => {
    const log = await fullLog();
    mkdirSync(second); // in the place of the file: it cannot be made
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const code = await log.append([payload(100)], { bundles: 1, slot: 0 }).then(() => "written", (error: { code: string }) => error.code);
      expect(code).to.equal("EISDIR");
    }
    rmSync(second, { recursive: true });
    await log.append([payload(100)], { bundles: 1, slot: 0 });
    await log.close();
    expect(existsSync(second)).to.equal(true);
    expect(bundles().found).to.deep.equal([...first, 100]);
  });
});
