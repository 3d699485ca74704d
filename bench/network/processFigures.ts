import { existsSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

function read(pid: number | undefined, file: string): string {
  const path = `/proc/${pid}/${file}`;
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What a process has used so far; NaN where the system does not tell. */
export function processFigures(pid: number | undefined): { readonly peakRssMiB: number; readonly cpuSeconds: number } {
  const fields = read(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return {
    peakRssMiB: Math.round(Number(/VmHWM:\s+(\d+)/.exec(read(pid, "status"))?.[1]) / 1024),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
