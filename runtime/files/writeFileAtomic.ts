import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes the names in a folder durable: without it a file that was created or renamed may be gone after a power cut. */
export async function syncDir(dir: string): Promise<void> {
  // Windows cannot open a folder; its file system journals renames by itself.
  if (process.platform === "win32") return;
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file so that after a crash there is the old content or the new one, never a mix: temporary file, fsync,
 * rename, fsync of the folder.
 * @param content a list is written piece after piece, without a copy of the whole
 * @param mode permissions of the file, 0o600 for secrets
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array | readonly Uint8Array[], mode = 0o644): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      if (typeof content === "string" || content instanceof Uint8Array) await handle.writeFile(content);
      // From the handle's own position on: each piece follows the last.
      else for (const piece of content) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDir(dirname(path));
}
