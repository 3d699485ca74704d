import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { expect } from "chai";

import { ACK_LEVEL } from "../../../core/codec/stream.ts";
import { LiveSequencer, StreamClient, openAccounts, writeDeployment } from "../../builders/liveSequencer.ts";
import { bundleOf, temporaryFolder, testKey, transfers } from "../../builders/loneCore.ts";

const ALICE = testKey(1);
const BOB = testKey(2);

/** Every file of a folder, but for the lock's. */
function filesOf(dir: string): Map<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.startsWith("agnt2.lock"));
  return new Map(names.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), "latin1")]));
}

describe("sequencer start and stop", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("start");
  const data = join(folder.path, "data");
  const copy = join(folder.path, "copy");
  const deployment = join(folder.path, "deployment.json");
  let live: LiveSequencer;
  let nonce = 0;
  const next = (count = 1): Uint8Array => bundleOf(ALICE, 1, nonce++, transfers(2, count));

  before(async () => {
    await openAccounts(data, [ALICE, BOB], 1_000_000);
    writeDeployment(deployment);
    live = await LiveSequencer.start(data, deployment);
  });
  after(async () => {
    await live.end();
    folder.remove();
  });

  /** Starts one that must be refused; what it says. */
  async function refused(dataDir: string, deploymentFile = deployment): Promise<string> {
    const second = LiveSequencer.launch(dataDir, deploymentFile);
    expect(await second.ended).to.equal(1);
    return second.output;
  }
  function copyData(): void {
    rmSync(copy, { recursive: true, force: true });
    cpSync(data, copy, { recursive: true, filter: (path) => !path.includes("agnt2.lock") });
  }

  it("second sequencer on the same data: is refused with a code, and the first goes on", async () => {
    expect((await live.post(next())).status).to.equal(200);
    expect(await refused(data)).to.contain("files/locked").and.contain(String(live.process.pid));
    expect((await live.post(next())).status).to.equal(200);
  });

  it("data of another chain: are refused with a code and left as they are", async () => {
    const other = join(folder.path, "other.json");
    writeDeployment(other, "cd");
    copyData();
    const before = filesOf(copy);
    expect(await refused(copy, other)).to.contain("sequencer/otherChain");
    expect(filesOf(copy)).to.deep.equal(before);
  });

  it("snapshot or log of a format that is not known: is refused with a code and left as it is", async () => {
    for (const [name, at, code] of [["log/00000000.log", 8, "sequencer/logFormat"], ["snapshots", 0, "derivation/format"]] as const) {
      copyData();
      let file = join(copy, name);
      if (name === "snapshots") file = join(file, readdirSync(file).filter((entry) => entry.endsWith(".snapshot")).at(-1) ?? "");
      const bytes = readFileSync(file);
      if (at > 0) bytes.writeUInt32BE(77, at);
      else rewriteHeader(bytes);
      writeFileSync(file, bytes);
      const before = filesOf(copy);
      expect(await refused(copy), name).to.contain(code);
      expect(filesOf(copy), name).to.deep.equal(before);
    }
  });

  it("end in order under load: the next start knows what was durable, and answers what was not told", async () => {
    const client = await StreamClient.open(live.url);
    const bundles = Array.from({ length: 200 }, () => next(8));
    const first = nonce - bundles.length;
    bundles.forEach((bytes, i) => client.send(i, bytes));
    await client.has(ACK_LEVEL.DURABLE, 0);
    expect(await live.end(), live.output.slice(-2000)).to.equal(0);
    await client.closed;
    const durable = client.frames.filter(({ level }) => level === ACK_LEVEL.DURABLE).length;
    live = await LiveSequencer.start(data, deployment);
    const account = await live.get("/v1/agents/1");
    expect(Number(account["nonce"]) - first, "what ran, told or not").to.be.at.least(durable);
    nonce = Number(account["nonce"]);
    // What was not told is asked for again: each bundle has run once.
    const again = await Promise.all(bundles.slice(0, nonce - first).map((bytes) => live.post(bytes)));
    expect(again.every(({ status }) => status === 200)).to.equal(true);
    expect((await live.get("/v1/agents/1"))["nonce"]).to.equal(nonce);
  });

  it("stream that ends: is told that the sequencer restarts", async () => {
    const client = await StreamClient.open(live.url);
    const [code] = await Promise.all([live.end(), client.closed]);
    expect([code, await client.closed]).to.deep.equal([0, 1012]);
    live = await LiveSequencer.start(data, deployment);
  });
});

/** Another format in the snapshot's header, with the checksum that belongs to it. */
function rewriteHeader(bytes: Buffer): void {
  const at = bytes.indexOf('"format":1');
  bytes.write('"format":9', at);
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
}
