import { statfs } from "node:fs/promises";

import { FilesError } from "./FilesError.ts";

/** Bytes that this user can still write on the disk that holds `dir`. */
export async function freeDiskBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Checks before a write that there is room for it.
 * @throws FilesError `files/diskFull` (retry: space may come back)
 */
export async function requireFreeDisk(dir: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeDiskBytes(dir);
  if (freeBytes >= neededBytes) return;
  throw new FilesError("files/diskFull", { dir, freeBytes, neededBytes }, "retry", {
    what: `The disk that holds ${dir} has ${Math.floor(freeBytes / 2 ** 20)} MiB left, and ${Math.ceil(neededBytes / 2 ** 20)} MiB are needed`,
    todo: "Free some space; work goes on by itself then",
  });
}
