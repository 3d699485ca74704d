import { createDisputeGround } from "./disputeWorld.ts";
import type { DisputeWorld } from "./disputeWorld.ts";
import { playDisputeCase } from "./playDisputeCase.ts";
import type { DisputeCase } from "./playDisputeCase.ts";

export interface DisputeFuzzOptions {
  /** Lies to play. */
  readonly runs: number;
  /** Case i of the run has the seed `seed + i`. */
  readonly seed: number;
}

/** Cases whose seeds follow one another share an epoch. */
const CASES_A_WORLD = 25;

class Counts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(table: string, key: string | number, by = 1): void {
    const counts = this.#counts.get(table) ?? new Map<string, number>();
    this.#counts.set(table, counts.set(String(key), (counts.get(String(key)) ?? 0) + by));
  }

  lines(): string[] {
    return [...this.#counts].map(([table, counts]) => `${table}: ${[...counts].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })).map(([key, count]) => `${key} ${count}`).join(", ")}`);
  }
}

function tally(counts: Counts, played: DisputeCase): void {
  counts.add("leaf", played.leaf);
  counts.add("field", `${played.leaf}.${played.field}`);
  counts.add("step", played.stepKind);
  counts.add("liar", played.liar);
  counts.add("k", played.k);
  counts.add("moves", "took effect", played.moves);
  counts.add("moves", "of them in a clock's last second", played.lastSecondMoves);
  counts.add("lies", "that healed before the end and were passed over", played.healed);
}

/** Plays random lies on the real contracts, each to the end. True if every liar lost. */
export async function runDisputeFuzz({ runs, seed }: DisputeFuzzOptions, print: (line: string) => void): Promise<boolean> {
  print(`fuzz of disputes: ${runs} lies, seed ${seed}`);
  const ground = await createDisputeGround();
  const counts = new Counts();
  let [passed, failed] = [0, 0];
  let world: { readonly seed: number; readonly at: DisputeWorld } | undefined;
  let printedAt = Date.now();
  try {
    for (let i = 0; i < runs; i += 1) {
      const caseSeed = seed + i;
      try {
        const worldSeed = Math.floor(caseSeed / CASES_A_WORLD);
        if (world?.seed !== worldSeed) world = { seed: worldSeed, at: await ground.enter(worldSeed) };
        else await world.at.reset();
        tally(counts, await playDisputeCase(world.at, caseSeed));
        passed += 1;
      } catch (error) {
        failed += 1;
        world = undefined;
        print(`seed ${caseSeed}: ${error instanceof Error ? error.message : String(error)}`);
        print(`replay: npm run fuzz:disputes -- --runs 1 --seed ${caseSeed}`);
      }
      if (Date.now() - printedAt > 5000) {
        printedAt = Date.now();
        print(`  ${passed + failed} of ${runs} lies`);
      }
    }
  } finally {
    await ground.close();
  }
  for (const line of counts.lines()) print(line);
  print(`${passed} passed, ${failed} failed`);
  return failed === 0;
}
