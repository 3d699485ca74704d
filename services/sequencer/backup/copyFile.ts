import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

const PIECE_BYTES = 1024 * 1024;

/**
 * Copies a file up to where it ends when the end is met, and synchronises the copy. A file that is only ever appended to may grow
 * meanwhile: the copy is a prefix of it.
 * @param to not written to, but read through, when left out
 */
export async function copyFile(from: string, to?: string): Promise<{ bytes: number; sha256: string }> {
  if (to !== undefined) await mkdir(dirname(to), { recursive: true });
  const source = await open(from, "r");
  const target = to === undefined ? undefined : await open(to, "wx");
  try {
    const hash = createHash("sha256");
    const piece = Buffer.alloc(PIECE_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await source.read(piece, 0, piece.length, bytes);
      if (bytesRead === 0) break;
      const read = piece.subarray(0, bytesRead);
      hash.update(read);
      await target?.writeFile(read);
      bytes += bytesRead;
    }
    await target?.sync();
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    await source.close();
    await target?.close();
  }
}
