import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { createBackup } from "../../../services/sequencer/backup/createBackup.ts";
import { restoreBackup } from "../../../services/sequencer/backup/restoreBackup.ts";
import { runBackupCommand } from "../../../services/sequencer/backup/runBackupCommand.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers } from "../../builders/loneCore.ts";

const ALICE = testKey(1);
const BOB = testKey(2);

const codeOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => "done", (error: { code?: string }) => error.code);

describe("sequencer backup", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("backup");
  const data = join(folder.path, "data");
  const backup = join(folder.path, "saved");
  const restored = join(folder.path, "restored");
  let lone: LoneCore;

  beforeEach(async () => {
    for (const dir of [data, backup, restored]) rmSync(dir, { recursive: true, force: true });
    lone = await LoneCore.start(data, { snapshotLogMib: 1, batchMs: 20 });
    await lone.deposit([ALICE, BOB], 1_000_000);
  });
  afterEach(() => lone.stop());
  after(() => folder.remove());

  it("running sequencer under load: its backup starts and holds all that was acknowledged before", async () => {
    let nonce = 0;
    let isLoading = true;
    let acknowledged = 0;
    const load = (async () => {
      for (; isLoading; nonce += 1) {
        await lone.sendFor("durable", bundleOf(ALICE, 1, nonce, transfers(2, 200)));
        acknowledged += 200;
      }
    })();
    while (nonce < 60) await new Promise((resolve) => setTimeout(resolve, 10));
    const before = acknowledged;
    await createBackup(data, backup, systemClock);
    isLoading = false;
    await load;
    await restoreBackup(backup, restored);
    const other = await LoneCore.start(restored);
    expect(other.core.pipeline.position).to.be.within(before, acknowledged);
    const again = await other.sendFor("rooted", bundleOf(BOB, 2, 0, transfers(1, 1)));
    expect(again.rejection).to.equal(undefined);
    await other.stop();
  });

  it("damaged backup: is refused, and nothing is restored", async () => {
    await lone.sendFor("rooted", bundleOf(ALICE, 1, 0, transfers(2, 2)));
    await createBackup(data, backup, systemClock);
    const file = join(backup, "log", "00000000.log");
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    writeFileSync(file, bytes);
    expect(await codeOf(restoreBackup(backup, restored))).to.equal("sequencer/backupDamaged");
    expect(existsSync(restored)).to.equal(false);
    rmSync(file);
    expect(await codeOf(restoreBackup(backup, restored))).to.equal("sequencer/backupDamaged");
  });

  it("backup whose list names a file outside: is refused", async () => {
    await createBackup(data, backup, systemClock);
    const manifest = JSON.parse(readFileSync(join(backup, "backup.json"), "utf8")) as { files: { path: string }[] };
    manifest.files[0]!.path = "../elsewhere";
    writeFileSync(join(backup, "backup.json"), JSON.stringify(manifest));
    expect(await codeOf(restoreBackup(backup, restored))).to.equal("sequencer/backupDamaged");
  });

  it("folder with data: is not restored into, and a backup is not written over", async () => {
    await createBackup(data, backup, systemClock);
    expect(await codeOf(createBackup(data, backup, systemClock))).to.equal("sequencer/backupTarget");
    await restoreBackup(backup, restored);
    appendFileSync(join(restored, "chain.json"), " ");
    expect(await codeOf(restoreBackup(backup, restored))).to.equal("sequencer/notEmpty");
  });

  it("command: saves, verifies and restores, and says how it is called", async () => {
    const lines: string[] = [];
    const run = (command: string, ...flags: string[]): Promise<number> => runBackupCommand(command, flags, { write: (text) => lines.push(text) });
    expect(await run("backup", "--data-dir", data, "--to", backup)).to.equal(0);
    expect(await run("verify", "--from", backup)).to.equal(0);
    expect(await run("restore", "--from", backup, "--data-dir", restored)).to.equal(0);
    expect(await run("restore", "--from", backup, "--data-dir", restored)).to.equal(1);
    expect(await run("backup", "--data-dir", join(folder.path, "nothing"), "--to", join(folder.path, "other"))).to.equal(1);
    expect(await run("backup", "--to", backup)).to.equal(2);
    expect(await run("backup", "--unknown")).to.equal(2);
    expect(lines.join("")).to.include("Usage");
  });
});
