/** The files that took longest, one a line with its seconds. */
export function slowestFiles(fileSeconds: Readonly<Record<string, number>>, count: number): string[] {
  const slowest = Object.entries(fileSeconds).sort(([, a], [, b]) => b - a).slice(0, count);
  return slowest.map(([file, seconds]) => `${seconds.toFixed(1).padStart(7)} s  ${file}`);
}
