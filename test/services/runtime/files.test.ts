import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { freeDiskBytes, requireFreeDisk } from "../../../runtime/files/freeDisk.ts";
import { lockDataDir } from "../../../runtime/files/lockDataDir.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { rejection } from "./rejection.ts";
import { tempFolder } from "./tempFolder.ts";

const holder = fileURLToPath(new URL("./lockHolder.ts", import.meta.url));

/** A process that takes the lock; resolves with what it says: held or the code of its error. */
async function startHolder(dir: string) {
  const child = spawn(process.execPath, [holder, dir], { stdio: ["pipe", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

describe("files", () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => (folder = tempFolder()));
  afterEach(() => folder.remove());

  it("lockDataDir: refuses a second holder when the first is this process", async () => {
    const dir = join(folder.path, "new", "data");
    const lock = lockDataDir(dir);
    expect((await rejection("files/locked", () => lockDataDir(dir))).payload).to.deep.equal({ dir, ownerPid: process.pid });
    lock.release();
    lock.release();
    lockDataDir(dir).release();
  });

  it("lockDataDir: refuses and names the owner when that is another process, and takes over when it was killed", async () => {
    const { child, said } = await startHolder(folder.path);
    expect(said).to.equal("held");
    expect((await rejection("files/locked", () => lockDataDir(folder.path))).payload).to.deep.include({ ownerPid: child.pid });
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    lockDataDir(folder.path).release();
  });

  it("lockDataDir: lets exactly one in when several come at once after a crash", async () => {
    const first = await startHolder(folder.path);
    const firstExited = once(first.child, "exit");
    first.child.kill("SIGKILL");
    await firstExited;
    const holders = await Promise.all(Array.from({ length: 5 }, () => startHolder(folder.path)));
    expect(holders.map(({ said }) => said).sort()).to.deep.equal([...Array<string>(4).fill("files/locked"), "held"]);
    await Promise.all(
      holders.map(async ({ child }) => {
        if (child.exitCode !== null) return;
        const exited = once(child, "exit");
        child.stdin.end();
        await exited;
      }),
    );
  });

  it("writeFileAtomic: leaves the new content and nothing else when it is done", async () => {
    const file = join(folder.path, "state.json");
    await writeFileAtomic(file, "one", 0o600);
    await Promise.all(["two", "two"].map((content) => writeFileAtomic(file, content, 0o600)));
    expect(readFileSync(file, "utf8")).to.equal("two");
    expect(readdirSync(folder.path)).to.deep.equal(["state.json"]);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it("writeFileAtomic: removes its temporary file when it cannot replace the target", async () => {
    const error = await writeFileAtomic(folder.path, "x").catch((thrown: NodeJS.ErrnoException) => thrown);
    expect(error).to.be.instanceOf(Error);
    expect(readdirSync(folder.path)).to.deep.equal([]);
  });

  it("requireFreeDisk: asks to retry when there is not enough room", async () => {
    const freeBytes = await freeDiskBytes(folder.path);
    expect(freeBytes).to.be.above(0);
    await requireFreeDisk(folder.path, 1);
    const error = await rejection("files/diskFull", () => requireFreeDisk(folder.path, freeBytes * 2 + 2 ** 30));
    expect(error.reaction).to.equal("retry");
  });
});
