import type { ChannelRun } from "./runChannel.ts";

const WIDTH = 900;
const ROW = 76;
const LEFT = 210;
const RIGHT = 20;
const TOP = 46;
const BOTTOM = 44;
const TICKS_MS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000];
const FROM_MS = 0.1;
const UNTIL_MS = 1_000;
const COLOURS = { each: "#b45309", chained: "#1d4ed8" } as const;

const xOf = (ms: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * Math.log(Math.min(UNTIL_MS, Math.max(FROM_MS, ms)) / FROM_MS)) / Math.log(UNTIL_MS / FROM_MS);
const nameOf = (run: ChannelRun): readonly [string, string] => [
  `${run.mode}, ${run.pairs} pair${run.pairs === 1 ? "" : "s"}${run.addedDelayMs > 0 ? `, +${run.addedDelayMs} ms` : ""}`,
  `${run.load === "maximum" ? "maximum, " : ""}${run.callsPerSecond.toLocaleString("en-US")}/s, p50 ${run.p50Ms} ms`,
];

/** Latency histograms of all runs, one under the other, on one logarithmic axis; SVG that reads on light and dark pages. */
export function latencyPicture(runs: readonly ChannelRun[]): string {
  const height = TOP + ROW * runs.length + BOTTOM;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>Latency of channel calls</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15" fill="#111827">From the call until its signed answer is on the caller's disk</text>`,
  ];
  for (const tick of TICKS_MS) {
    const x = xOf(tick).toFixed(1);
    lines.push(`<line x1="${x}" x2="${x}" y1="${TOP - 8}" y2="${height - BOTTOM}" stroke="#e5e7eb"/>`, `<text x="${x}" y="${height - BOTTOM + 16}" text-anchor="middle" fill="#4b5563">${tick}</text>`);
  }
  lines.push(`<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 8}" text-anchor="middle" fill="#4b5563">ms, logarithmic</text>`);
  for (const [place, run] of runs.entries()) lines.push(...rowOf(run, TOP + ROW * (place + 1) - 10));
  lines.push("</svg>");
  return `${lines.join("\n")}\n`;
}

function rowOf(run: ChannelRun, base: number): string[] {
  const most = Math.max(...run.histogram.map(([, count]) => count));
  const bars = run.histogram.map(([boundMs, count]) => {
    const [from, to] = [xOf(boundMs / 2 ** (1 / 20)), xOf(boundMs)];
    const size = ((ROW - 22) * count) / most;
    return `<rect x="${from.toFixed(1)}" y="${(base - size).toFixed(1)}" width="${Math.max(0.6, to - from - 0.3).toFixed(1)}" height="${size.toFixed(1)}" fill="${COLOURS[run.mode]}"/>`;
  });
  const [name, figures] = nameOf(run);
  const median = xOf(run.p50Ms).toFixed(1);
  return [
    `<text x="12" y="${base - 22}" fill="#111827">${name}</text>`,
    `<text x="12" y="${base - 6}" font-size="11" fill="#4b5563">${figures}</text>`,
    ...bars,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}" stroke="#9ca3af"/>`,
    `<line x1="${median}" x2="${median}" y1="${base - ROW + 22}" y2="${base}" stroke="#111827" stroke-dasharray="3 2"/>`,
  ];
}
