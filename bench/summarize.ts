import type { CoreSample } from "./measureRun.ts";

/** Least and greatest value of a figure. */
export type Spread = readonly [least: number, greatest: number];

/** The median of each figure over the repetitions of one run. */
export interface CoreRun extends CoreSample {
  readonly repetitions: number;
  readonly spread: Readonly<Record<string, Spread>>;
}

/** Of sorted figures. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : Number(((sorted[middle - 1] + sorted[middle]) / 2).toFixed(2));
}

/** One line for each workload, size of bundle and load, in the order in which they were run first. */
export function summarize(samples: readonly CoreSample[]): CoreRun[] {
  const groups = Map.groupBy(samples, ({ workload, bundle, load }) => `${workload} ${bundle} ${load}`);
  return [...groups.values()].map((group) => {
    const run: Record<string, unknown> = { ...group[0], repetitions: group.length };
    const spread: Record<string, Spread> = {};
    for (const [name, value] of Object.entries(group[0])) {
      if (typeof value === "boolean") run[name] = group.every((sample) => sample[name as keyof CoreSample] === true);
      if (typeof value !== "number" || name === "bundle") continue;
      const sorted = group.map((sample) => sample[name as keyof CoreSample] as number).sort((a, b) => a - b);
      run[name] = median(sorted);
      spread[name] = [sorted[0], sorted[sorted.length - 1]];
    }
    return { ...run, spread } as unknown as CoreRun;
  });
}
