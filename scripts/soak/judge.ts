import { BOUNDS, WARM_UP_PART } from "./bounds.ts";
import type { Sample } from "./sample.ts";

const MIB = 2 ** 20;

/** Exchanges by way. */
export interface Counts {
  readonly channel: number;
  readonly call: number;
  readonly exact: number;
}

/** What is beyond its bound, in words; nothing when all is well. */
export function judge(name: string, side: "buyer" | "seller", samples: readonly Sample[], counts: Counts): string[] {
  const early = samples.filter(({ part }) => part <= WARM_UP_PART);
  const late = samples.filter(({ part }) => part > WARM_UP_PART);
  if (early.length === 0 || late.length === 0) return [`${name}: too short a run to say anything`];
  const most = (among: readonly Sample[], of: "rssMiB" | "handles" | "diskMiB"): number => Math.max(...among.map((sample) => sample[of]));
  const problems: string[] = [];
  const check = (what: string, value: number, bound: number): void => {
    if (value > bound) problems.push(`${name}: ${what} ${value}, more than ${bound}`);
  };
  check("memory (MiB)", most(samples, "rssMiB"), BOUNDS.memoryMiB);
  check("memory after the first quarter (MiB)", most(late, "rssMiB"), most(early, "rssMiB") + BOUNDS.memoryGrowthMiB);
  check("file handles after the first quarter", most(late, "handles"), most(early, "handles") + BOUNDS.handlesGrowth);
  const each = BOUNDS.diskPerExchange[side];
  check("disk (MiB)", most(samples, "diskMiB"), Math.ceil(BOUNDS.diskAtRestMiB + (counts.channel * each.channel + counts.call * each.call + counts.exact * each.exact) / MIB));
  return problems;
}
