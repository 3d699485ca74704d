import { BOUNDS, WARM_UP_PART } from "./bounds.ts";
import type { Sample } from "./sample.ts";

const MIB = 2 ** 20;

/** Exchanges by way. */
export interface Counts {
  readonly channel: number;
  readonly call: number;
  readonly exact: number;
}

/** Bytes that a sidecar's folder may have after so many exchanges. @param keepReceipts what the buyer was told to keep */
function diskBound(side: "buyer" | "seller", counts: Counts, keepReceipts: number): number {
  const each = BOUNDS.diskPerExchange[side];
  const channel = side === "buyer" ? Math.min(counts.channel, keepReceipts + BOUNDS.receiptsSlack) : counts.channel;
  return channel * each.channel + counts.call * each.call + counts.exact * each.exact;
}

/** What is beyond its bound, in words; nothing when all is well. */
export function judge(name: string, side: "buyer" | "seller", samples: readonly Sample[], counts: Counts, keepReceipts: number): string[] {
  // Of what was done, which is less than what was wanted where somebody ended it.
  const warmUp = WARM_UP_PART * (samples.at(-1)?.part ?? 1);
  const early = samples.filter(({ part }) => part <= warmUp);
  const late = samples.filter(({ part }) => part > warmUp);
  const problems: string[] = [];
  const most = (among: readonly Sample[], of: "rssMiB" | "handles" | "diskMiB" | "heapMiB" | "externalMiB"): number => Math.max(...among.map((sample) => sample[of]).filter((value) => value !== undefined));
  const check = (what: string, value: number, bound: number): void => {
    if (!(value <= bound)) problems.push(`${name}: ${what} ${value}, more than ${bound}`);
  };
  check("memory (MiB)", most(samples, "rssMiB"), BOUNDS.memoryMiB);
  check("disk (MiB)", most(samples, "diskMiB"), Math.ceil(BOUNDS.diskAtRestMiB + diskBound(side, counts, keepReceipts) / MIB));
  if (early.every(({ heapMiB }) => heapMiB === undefined) || late.every(({ heapMiB }) => heapMiB === undefined)) return [...problems, `${name}: too short a run to say whether memory grows`];
  check("heap after the warm-up (MiB)", most(late, "heapMiB"), most(early, "heapMiB") + BOUNDS.heapGrowthMiB);
  check("memory beside the heap after the warm-up (MiB)", most(late, "externalMiB"), most(early, "externalMiB") + BOUNDS.externalGrowthMiB);
  check("file handles after the warm-up", most(late, "handles"), most(early, "handles") + BOUNDS.handlesGrowth);
  return problems;
}
