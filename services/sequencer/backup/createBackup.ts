import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import type { Clock } from "../../../runtime/clock/Clock.ts";
import { syncDir, writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { DATA } from "../dataFiles.ts";
import { listSegments, segmentName } from "../log/SegmentLog.ts";
import { SequencerError } from "../SequencerError.ts";
import { BACKUP_FORMAT, MANIFEST } from "./BackupManifest.ts";
import type { BackupManifest } from "./BackupManifest.ts";
import { copyFile } from "./copyFile.ts";

/** What was saved. */
export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
}

type Copied = BackupManifest["files"][number];

/**
 * Copies a sequencer's data, also while it runs. The order matters: each file is copied after those that must not be ahead of it, so
 * that the copy is what a crash at some moment would have left: snapshot, then node files and batches, then the log.
 * @throws SequencerError `sequencer/backupTarget` when the target exists
 */
export async function createBackup(dataDir: string, target: string, clock: Clock, onFile: (path: string) => void = () => undefined): Promise<BackupReport> {
  if (existsSync(target)) {
    throw new SequencerError("sequencer/backupTarget", { dir: target }, "reject", { what: `${target} exists already`, todo: "Name a folder that does not exist; backups are not written over" });
  }
  if (!existsSync(join(dataDir, DATA.chain))) {
    throw new SequencerError("sequencer/noData", { dir: dataDir }, "reject", { what: `There are no data of a sequencer in ${dataDir}`, todo: "Correct the data folder" });
  }
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const files: Copied[] = [];
  const copy = async (path: string): Promise<void> => {
    onFile(path);
    files.push({ path, ...(await copyFile(join(dataDir, path), join(partial, path))) });
  };
  await copy(DATA.chain);
  files.push(...(await copySnapshot(dataDir, partial, onFile)));
  for (const path of [...listFiles(dataDir, DATA.nodes), DATA.batches, DATA.transactions]) if (existsSync(join(dataDir, path))) await copy(path);
  for (const segment of listSegments(join(dataDir, DATA.log))) await copy(join(DATA.log, segmentName(segment)));
  const manifest: BackupManifest = { format: BACKUP_FORMAT, madeAt: clock.nowSeconds(), files };
  await writeFileAtomic(join(partial, MANIFEST), JSON.stringify(manifest, undefined, 1));
  await rename(partial, target);
  await syncDir(dirname(target));
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The newest snapshot that is whole. The sequencer removes old ones: one that goes while it is copied is passed over for a newer one. */
async function copySnapshot(dataDir: string, partial: string, onFile: (path: string) => void): Promise<Copied[]> {
  for (let attempt = 0; ; attempt += 1) {
    const metas = listFiles(dataDir, DATA.snapshots).filter((path) => path.endsWith(".json"));
    const newest = metas.map((path) => Number(/batch-(\d+)\.json$/.exec(path)?.[1])).filter(Number.isFinite).sort((a, b) => a - b).at(-1);
    if (newest === undefined) return [];
    const copied: Copied[] = [];
    try {
      for (const kind of ["snapshot", "recent", "json"]) {
        const path = join(DATA.snapshots, `batch-${newest}.${kind}`);
        onFile(path);
        copied.push({ path, ...(await copyFile(join(dataDir, path), join(partial, path))) });
      }
      return copied;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt >= 5) throw error;
      await rm(join(partial, DATA.snapshots), { recursive: true, force: true });
    }
  }
}

function listFiles(dataDir: string, folder: string): string[] {
  const dir = join(dataDir, folder);
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp")).map((entry) => relative(dataDir, join(dir, entry.name)));
}
