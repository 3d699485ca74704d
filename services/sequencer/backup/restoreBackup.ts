import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";

import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { lockDataDir } from "../../../runtime/files/lockDataDir.ts";
import { syncDir } from "../../../runtime/files/writeFileAtomic.ts";
import { DATA } from "../dataFiles.ts";
import { writeSignAfter } from "../heads/signAfter.ts";
import { SequencerError } from "../SequencerError.ts";
import { BACKUP_FORMAT, MANIFEST } from "./BackupManifest.ts";
import type { BackupManifest } from "./BackupManifest.ts";
import { copyFile } from "./copyFile.ts";
import type { BackupReport } from "./createBackup.ts";

function damaged(file: string, why: string): SequencerError {
  return new SequencerError("sequencer/backupDamaged", { file }, "reject", { what: `The backup is not whole: ${file} ${why}`, todo: "Use another backup; what is posted can be derived from L1" });
}

async function readManifest(source: string): Promise<BackupManifest> {
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(await readFile(join(source, MANIFEST), "utf8")) as BackupManifest;
  } catch {
    throw damaged(MANIFEST, "cannot be read");
  }
  if (manifest.format !== BACKUP_FORMAT) throw damaged(MANIFEST, `has format ${manifest.format}, this version reads ${BACKUP_FORMAT}`);
  for (const { path } of manifest.files) if (isAbsolute(path) || normalize(path).startsWith("..")) throw damaged(path, "lies outside of the backup");
  return manifest;
}

/** Reads every file of a backup and compares it with the manifest. @throws SequencerError `sequencer/backupDamaged` */
export async function verifyBackup(source: string, onFile: (path: string) => void = () => undefined): Promise<BackupReport> {
  const manifest = await readManifest(source);
  for (const { path, bytes, sha256 } of manifest.files) {
    onFile(path);
    const found = await copyFile(join(source, path)).catch(() => undefined);
    if (found === undefined) throw damaged(path, "is missing");
    if (found.bytes !== bytes || found.sha256 !== sha256) throw damaged(path, "is not what was saved");
  }
  return { files: manifest.files.length, bytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/**
 * Makes a data folder of a backup, after every file of it was checked. Bundles that were acknowledged after the backup was made are
 * not in it: a sequencer that goes on from there signs other heads for the same positions, which would cost an operator its bond if it
 * did so in the same slot; it waits for the next one. What L1 has beyond the backup is noticed at the start, and refused.
 * @throws SequencerError `sequencer/backupDamaged`, `sequencer/notEmpty`; FilesError `files/locked`
 */
export async function restoreBackup(source: string, dataDir: string, onFile: (path: string) => void = () => undefined): Promise<BackupReport> {
  const report = await verifyBackup(source);
  const lock = lockDataDir(dataDir);
  try {
    const present = readdirSync(dataDir).filter((name) => !name.startsWith("agnt2.lock"));
    if (present.length > 0) {
      throw new SequencerError("sequencer/notEmpty", { dir: dataDir }, "reject", { what: `${dataDir} is not empty (${present.slice(0, 3).join(", ")})`, todo: "Restore into an empty folder" });
    }
    const { files } = await readManifest(source);
    await writeSignAfter(dataDir, systemClock.nowSeconds());
    // The file that says which chain it is comes last: a restore that broke off is not taken for a sequencer's data.
    for (const { path, sha256 } of [...files].sort((a, b) => Number(a.path === DATA.chain) - Number(b.path === DATA.chain))) {
      onFile(path);
      const copied = await copyFile(join(source, path), join(dataDir, path));
      if (copied.sha256 !== sha256) throw damaged(path, "changed while it was restored");
    }
    for (const dir of new Set(files.map(({ path }) => dirname(join(dataDir, path))))) if (existsSync(dir)) await syncDir(dir);
  } finally {
    lock.release();
  }
  return report;
}
