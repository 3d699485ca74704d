import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { CallRecords } from "../../sdk/node/channels/CallRecords.ts";
import type { CallRecord } from "../../sdk/node/channels/CallRecords.ts";
import { ChannelShellError } from "../../sdk/node/channels/ChannelShellError.ts";
import { temporaryFolder, until } from "../builders/loneCore.ts";
import { canMount, mountSmallDisk } from "../builders/smallDisk.ts";

const HASH = new Uint8Array(32).fill(7);
const ID = `0x${"ab".repeat(32)}`;
const FILE = `calls-${"ab".repeat(8)}.log`;

function call(sequence: number): CallRecord {
  return { direction: "out", sequence, price: 5, status: 0, requestHash: HASH, responseHash: HASH };
}

function sequencesOf(path: string): number[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => {
    expect(line).to.match(/^out \d+ 5 0 0x[0-9a-f]{64} 0x[0-9a-f]{64}$/);
    return Number(line.split(" ")[1]);
  });
}

function refusalOf(records: CallRecords): string | undefined {
  try {
    records.requireRoom();
    return undefined;
  } catch (error) {
    if (!(error instanceof ChannelShellError)) throw error;
    return error.code;
  }
}

describe("records of calls", function () {
  this.timeout(20_000);
  const folder = temporaryFolder("records");
  after(() => folder.remove());

  it("restart: goes on after the last whole line", async () => {
    const dir = join(folder.path, "torn");
    const first = await CallRecords.open(dir, ID, (error) => expect.fail(error.message));
    first.add(call(1));
    await first.close();
    appendFileSync(join(dir, FILE), "out 2 5 0 0x07");
    const second = await CallRecords.open(dir, ID, (error) => expect.fail(error.message));
    second.add(call(3));
    await second.close();
    expect(sequencesOf(join(dir, FILE))).to.deep.equal([1, 3]);
  });

  it("full disk: refuses further calls until there is room, and has every line then", async function () {
    if (!canMount()) this.skip(); // Not root: a small disk cannot be made.
    const dir = join(folder.path, "small");
    const disk = mountSmallDisk(dir, 1);
    const records = await CallRecords.open(dir, ID, (error) => expect.fail(error.message));
    try {
      let count = 0;
      while (refusalOf(records) === undefined) {
        for (let i = 0; i < 500; i += 1) records.add(call((count += 1)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(refusalOf(records)).to.equal("channel/store-full");
      disk.resize(16);
      await until("there is room", () => refusalOf(records) === undefined);
      await records.close();
      expect(sequencesOf(join(dir, FILE))).to.deep.equal(Array.from({ length: count }, (_, i) => i + 1));
    } finally {
      disk.remove();
    }
  });

  it("failing disk: is told once, and every later call is refused", async () => {
    const told: string[] = [];
    const records = await CallRecords.open(join(folder.path, "failing"), ID, ({ code }) => told.push(code));
    // The file is closed under it: writing fails for good.
    await records.close();
    records.add(call(1));
    await until("the failure is told", () => told.length > 0);
    records.add(call(2));
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(told).to.deep.equal(["channel/store-failed"]);
    expect(refusalOf(records)).to.equal("channel/store-failed");
  });
});
