import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";

import { expect } from "chai";
import { Wallet } from "ethers";

import { headDigest, rootDigest } from "../../../core/codec/heads.ts";
import { domainSeparator } from "../../../core/codec/bundle.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { createExternalSigner } from "../../../runtime/keystore/createExternalSigner.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { Committer } from "../../../services/sequencer/Committer.ts";
import { createHeadSigner } from "../../../services/sequencer/heads/HeadSigner.ts";
import type { HeadSigner } from "../../../services/sequencer/heads/HeadSigner.ts";
import type { GroupStart } from "../../../services/sequencer/log/LogEntry.ts";
import { SegmentLog } from "../../../services/sequencer/log/SegmentLog.ts";
import { RanBundle } from "../../../services/sequencer/RanBundle.ts";
import type { Reply } from "../../../services/sequencer/Submission.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";

const INBOX = `0x${"cd".repeat(20)}`;
const DOMAIN = { separator: domainSeparator({ chainId: 31337, inbox: fromHex(INBOX, 20) }), chainId: 31337, inbox: INBOX };
const quiet = createLogger({ service: "test", level: "silent", output: new Writable({ write: (_chunk, _encoding, done) => done() }) });
const plainSigner: HeadSigner = { isAway: false, abandon: () => undefined, signHead: () => new Uint8Array(64), signRoot: () => new Uint8Array(64) };

/** A bundle that notes what it was told. */
function member(told: string[], name: string): { hash: Uint8Array; count: number; ran: RanBundle } {
  const record = { position: 0, firstReceipt: 0, outcomes: new Uint8Array(1), slots: new Uint32Array(1), ids: new Float64Array(1) };
  const reply: Reply = { sequenced: () => undefined, parked: () => undefined, durable: () => void told.push(name), rooted: () => undefined, rejected: () => undefined };
  return { hash: new Uint8Array(32).fill(name.charCodeAt(0)), count: 1, ran: new RanBundle(record, reply) };
}

/** A log on a disk that is full for the first `refusals` groups. */
class FullDisk {
  readonly log: SegmentLog;
  refusals: number;
  tries = 0;

  constructor(dir: string, refusals: number) {
    this.log = new SegmentLog(dir, quiet);
    this.refusals = refusals;
    for (const _entry of this.log.recover(undefined)) expect.fail("the log is not empty");
  }

  async append(payloads: readonly Uint8Array[], start: GroupStart) {
    this.tries += 1;
    if (this.tries <= this.refusals) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    return await this.log.append(payloads, start);
  }
}

describe("committer", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-committer-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("full disk: acknowledges nothing until it takes the group, and then all of it once", async () => {
    const told: string[] = [];
    const disk = new FullDisk(dir, 2);
    const sleeps: number[] = [];
    let wake: () => void = () => undefined;
    const clock = { ...systemClock, sleep: (ms: number) => (sleeps.push(ms), new Promise<void>((resolve) => (wake = resolve))) };
    const committer = new Committer({ log: disk, signer: plainSigner, clock, logger: quiet, onFailed: (error) => expect.fail(error.message) });
    committer.add({ payload: Uint8Array.of(2, 1), bundle: member(told, "a") });
    await until("the disk has refused", () => sleeps.length === 1);
    committer.add({ payload: Uint8Array.of(2, 2), bundle: member(told, "b") });
    expect([committer.isDiskFull, committer.position, told]).to.deep.equal([true, 0, []]);
    wake();
    await until("the disk has refused again", () => sleeps.length === 2);
    wake();
    await committer.idle();
    expect([committer.isDiskFull, committer.position, told]).to.deep.equal([false, 2, ["a", "b"]]);
    await disk.log.close();
    const entries = [...new SegmentLog(dir, quiet).recover(undefined)].map(({ payload }) => payload[0]);
    expect(entries).to.deep.equal([4, 2, 4, 2]);
  });

  it("full disk at the end: what it does not take is given up, and nobody was told of it", async () => {
    const told: string[] = [];
    const errors: Error[] = [];
    const disk = new FullDisk(dir, 1000);
    const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)) };
    const committer = new Committer({ log: disk, signer: plainSigner, clock, logger: quiet, onFailed: (error) => errors.push(error) });
    committer.add({ payload: Uint8Array.of(2, 1), bundle: member(told, "a") });
    await until("the disk has refused", () => disk.tries > 2);
    committer.abandon();
    await committer.idle();
    expect([told, committer.position, errors.length]).to.deep.equal([[], 0, 1]);
  });

  it("signer that refuses: nothing is acknowledged any more, and the failure is told", async () => {
    const told: string[] = [];
    const errors: Error[] = [];
    const signer: HeadSigner = { ...plainSigner, signHead: () => Promise.reject(new Error("refused")) };
    const log = new SegmentLog(dir, quiet);
    for (const _entry of log.recover(undefined)) expect.fail("the log is not empty");
    const committer = new Committer({ log, signer, clock: systemClock, logger: quiet, onFailed: (error) => errors.push(error) });
    committer.add({ payload: Uint8Array.of(2, 1), bundle: member(told, "a") });
    await committer.idle();
    committer.add({ payload: Uint8Array.of(2, 2), bundle: member(told, "b") });
    await committer.idle();
    expect([told, errors.map(({ message }) => message), committer.isStuck]).to.deep.equal([[], ["refused"], true]);
    await log.close();
  });

  it("end of a snapshot's batch: nothing that comes later shares its group", async () => {
    const log = new SegmentLog(dir, quiet);
    for (const _entry of log.recover(undefined)) expect.fail("the log is not empty");
    const committer = new Committer({ log, signer: plainSigner, clock: systemClock, logger: quiet, onFailed: (error) => expect.fail(error.message) });
    for (const [kind, endsGroup] of [[2, false], [3, true], [2, false], [3, false]] as const) committer.add({ payload: Uint8Array.of(kind), endsGroup });
    await committer.idle();
    await log.close();
    expect([...new SegmentLog(dir, quiet).recover(undefined)].map(({ payload }) => payload[0])).to.deep.equal([4, 2, 3, 4, 2, 3]);
  });
});

describe("external signer of heads", function () {
  this.timeout(20_000);
  const wallet = new Wallet(testKey(77));
  const folder = temporaryFolder("signer");
  let isAway = false;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      if (isAway) return void request.socket.destroy();
      const { method, params } = JSON.parse(body) as { method: string; params: [string, string] };
      asked.push(method);
      if (method === "eth_accounts") return void response.end(JSON.stringify({ result: [wallet.address] }));
      const { domain, types, message } = JSON.parse(params[1]) as { domain: object; types: Record<string, { name: string; type: string }[]>; message: object };
      delete types["EIP712Domain"];
      void wallet.signTypedData(domain, types, message).then((result) => response.end(JSON.stringify({ result })));
    });
  });
  let signer: HeadSigner;

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const external = await createExternalSigner(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    signer = createHeadSigner(external, DOMAIN, systemClock, quiet);
  });
  after(() => {
    server.close();
    folder.remove();
  });

  it("head and root: have the same digest as those that a key in the process signs", async () => {
    const head = new Uint8Array(32).fill(5);
    expect(toHex(recoverAddress(headDigest(DOMAIN.separator, 5, 7, head), await signer.signHead(5, 7, head)) ?? new Uint8Array())).to.equal(wallet.address.toLowerCase());
    expect(toHex(recoverAddress(rootDigest(DOMAIN.separator, 7, 3, head), await signer.signRoot(7, 3, head)) ?? new Uint8Array())).to.equal(wallet.address.toLowerCase());
  });

  it("signer that goes away: holds up the answers, refuses new bundles, and loses nothing", async () => {
    const lone = await LoneCore.start(folder.path, {}, { signer });
    await lone.deposit([testKey(1), testKey(2)], 1000);
    await lone.sendFor("rooted", bundleOf(testKey(1), 1, 0, transfers(2, 1)));
    isAway = true;
    const held = lone.send(bundleOf(testKey(1), 1, 1, transfers(2, 1)));
    await until("it is noticed", () => signer.isAway);
    const refused = await lone.sendFor("rejected", bundleOf(testKey(2), 2, 0, transfers(1, 1)));
    expect(refused.rejection?.detail).to.match(/cannot sign/);
    expect(held.levels).to.deep.equal(["sequenced"]);
    isAway = false;
    await until("the answer comes", () => held.levels.includes("rooted"));
    expect(held.levels).to.deep.equal(["sequenced", "durable", "rooted"]);
    await lone.stop();
    expect(lone.failures).to.deep.equal([]);
    expect(asked).to.include("eth_signTypedData_v4");
  });
});
