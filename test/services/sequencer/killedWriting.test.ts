import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { expect } from "chai";

import { ACK_LEVEL } from "../../../core/codec/stream.ts";
import { LiveSequencer, StreamClient, openAccounts, writeDeployment } from "../../builders/liveSequencer.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers } from "../../builders/loneCore.ts";
import { canMount, mountSmallDisk } from "../../builders/smallDisk.ts";
import { Random } from "../../differential/scenario/Random.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const KILLS = 4;
const IN_FLIGHT = 8;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

describe("sequencer killed while it writes", function () {
  this.timeout(90_000);
  const folder = temporaryFolder("killed");
  const deployment = join(folder.path, "deployment.json");
  let live: LiveSequencer | undefined;
  before(() => writeDeployment(deployment));
  afterEach(async function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`seed ${SEED}\n${live?.output.slice(-3000) ?? ""}\n`);
    await live?.end("SIGKILL");
  });
  after(() => folder.remove());

  const bundle = (nonce: number): Uint8Array => bundleOf(ALICE, 1, nonce, transfers(2, 512));

  /** Keeps bundles under way from `nonce` on, until the connection breaks; the nonces of those that were durable. */
  async function load(sequencer: LiveSequencer, nonce: number): Promise<number[]> {
    const client = await StreamClient.open(sequencer.url);
    let next = nonce;
    const send = (): void => client.send(next, bundle(next++));
    client.socket.on("message", () => {
      const durable = client.frames.filter(({ level }) => level === ACK_LEVEL.DURABLE).length;
      while (next - nonce - durable < IN_FLIGHT) send();
    });
    for (let i = 0; i < IN_FLIGHT; i += 1) send();
    await client.closed;
    return client.frames.filter(({ level }) => level === ACK_LEVEL.DURABLE).map(({ request }) => request);
  }
  const nonceOf = async (sequencer: LiveSequencer): Promise<number> => Number((await sequencer.get("/v1/agents/1"))["nonce"]);

  it("kills while log and snapshots are written: what was durable is there, and the log alone leads to the same", async () => {
    const data = join(folder.path, "data");
    await openAccounts(data, [ALICE, BOB], 10_000_000);
    const flags = ["--snapshot-log-mib", "1", "--batch-ms", "20"];
    const random = new Random(SEED);
    live = await LiveSequencer.start(data, deployment, flags);
    let durable = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const nonce = await nonceOf(live);
      const loading = load(live, nonce);
      await pause(random.between(100, 700));
      await live.end("SIGKILL");
      const told = await loading;
      durable += told.length;
      live = await LiveSequencer.start(data, deployment, flags);
      expect(await nonceOf(live), "the nonce after what was durable").to.be.at.least(Math.max(nonce, ...told.map((each) => each + 1)));
    }
    expect(durable, "bundles that were durable").to.be.above(KILLS);
    expect(await live.end()).to.equal(0);
    const copy = join(folder.path, "copy");
    cpSync(data, copy, { recursive: true });
    for (const name of readdirSync(copy)) if (name !== "log" && name !== "chain.json") rmSync(join(copy, name), { recursive: true });
    const [whole, alone] = [await LoneCore.start(data), await LoneCore.start(copy)];
    const resultOf = ({ core }: LoneCore) => [core.committer.position, core.committer.head, core.sealed.count, core.sealed.get(core.sealed.count - 1)?.stateRoot];
    expect(resultOf(alone)).to.deep.equal(resultOf(whole));
    await whole.stop();
    await alone.stop();
  });

  // Only root may mount.
  if (canMount()) it("kill on a full disk: refuses with a code until then, starts again when there is room, and has what was durable", async () => {
    const data = join(folder.path, "small");
    const disk = mountSmallDisk(data, 24);
    try {
      await openAccounts(data, [ALICE, BOB], 10_000_000);
      writeFileSync(join(data, "ballast"), Buffer.alloc(10 * 1024 * 1024));
      live = await LiveSequencer.start(data, deployment);
      const loading = load(live, 0);
      let refused = await live.post(bundleOf(BOB, 2, 0, transfers(1, 1)), "sequenced");
      for (let nonce = 1; refused.status === 200; nonce += 1) {
        await pause(5);
        refused = await live.post(bundleOf(BOB, 2, nonce, transfers(1, 1)), "sequenced");
      }
      expect([refused.status, refused.body.error?.code]).to.deep.equal([503, "INTAKE_DISK_FULL"]);
      expect((await fetch(`${live.url}/health`)).status).to.equal(503);
      await live.end("SIGKILL");
      const told = await loading;
      expect(told.length).to.be.above(0);
      // It may start without room, or say that it cannot; a second kill loses nothing either.
      const early = LiveSequencer.launch(data, deployment);
      await Promise.race([early.ended, pause(1_500)]);
      await early.end("SIGKILL");
      rmSync(join(data, "ballast"));
      live = await LiveSequencer.start(data, deployment);
      expect(await nonceOf(live)).to.be.at.least(Math.max(...told) + 1);
      expect((await live.post(bundle(await nonceOf(live)))).status).to.equal(200);
      expect(await live.end()).to.equal(0);
    } finally {
      disk.remove();
    }
  });
});
