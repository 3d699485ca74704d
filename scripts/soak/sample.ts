import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const MIB = 2 ** 20;

/** What a process and its folder take at a moment. */
export interface Sample {
  readonly atSeconds: number;
  /** Of all exchanges, 0 to 1. */
  readonly part: number;
  readonly rssMiB: number;
  /** On the heap after a collection; only in some samples. */
  readonly heapMiB?: number;
  /** Beside the heap after a collection; only in some samples. */
  readonly externalMiB?: number;
  readonly handles: number;
  readonly diskMiB: number;
  readonly cpuSeconds: number;
}

const TICKS_PER_SECOND = 100;

/** Bytes below a folder; files that go meanwhile count nothing. */
export function folderBytes(dir: string): number {
  let bytes = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    bytes += entry.isDirectory() ? folderBytes(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  }
  return bytes;
}

/** @throws Error when the process is gone */
export function takeSample(pid: number, dir: string, atSeconds: number, part: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return {
    atSeconds: Math.round(atSeconds), part: Number(part.toFixed(4)),
    rssMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    diskMiB: Math.round((10 * folderBytes(dir)) / MIB) / 10,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
