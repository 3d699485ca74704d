/** `npm run model`: the exhaustive model of a dispute round at its full size; the tests run a part of it. */
import { disputeBound, exploreRound } from "../test/model/exploreRound.ts";
import type { HonestPolicy } from "../test/model/exploreRound.ts";
import type { ModelTimes } from "../test/model/RoundModel.ts";

const ROUNDS: readonly { readonly name: string; readonly times: ModelTimes; readonly policy: HonestPolicy }[] = [
  { name: "an honest backer, one slot for rivals", times: { window: 1, join: 1, clock: 1, increment: 1 }, policy: "backs" },
  { name: "an honest backer, two slots for rivals", times: { window: 2, join: 1, clock: 1, increment: 1 }, policy: "backs" },
  { name: "nobody honest", times: { window: 1, join: 1, clock: 1, increment: 1 }, policy: "absent" },
];

let failed = 0;
for (const { name, times, policy } of ROUNDS) {
  console.log(`${name} …`);
  try {
    const { states, moves, confirmed, allFell, latestEnd } = exploreRound(times, policy);
    const isSafe = policy === "absent" ? allFell > 0 : confirmed[1] === 0 && confirmed[2] === 0 && allFell === 0 && latestEnd === disputeBound(times);
    if (!isSafe) failed += 1;
    console.log(`  ${states} states, ${moves} moves; confirmed ${confirmed.join(" / ")}, all fell ${allFell}, last end in slot ${latestEnd} of ${disputeBound(times)}${isSafe ? "" : ": NOT AS PROMISED"}`);
  } catch (error) {
    failed += 1;
    console.log(`  ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(`${ROUNDS.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
