import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { DATA } from "../dataFiles.ts";

/**
 * Notes that the log in a folder is not the one that heads were signed from before: it came from a backup or from L1. Two heads for
 * one slot and position cost an operator its bond, so nothing is signed for the slots up to this time's.
 * @param seconds unix
 */
export async function writeSignAfter(dataDir: string, seconds: number): Promise<void> {
  await writeFileAtomic(join(dataDir, DATA.signAfter), JSON.stringify({ seconds }));
}

/** Undefined for a log that was begun with the chain and never lost anything. */
export async function readSignAfter(dataDir: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(join(dataDir, DATA.signAfter), "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
  return Number((JSON.parse(text) as { seconds: number }).seconds);
}
