import { FuzzWorld, createRandom } from "./FuzzWorld.ts";
import { playSequence } from "./playSequence.ts";
import { realSigner } from "./realSigner.ts";

export interface ChannelFuzzOptions {
  /** Messages to hand over. */
  readonly runs: number;
  /** Sequence i of the run has the seed `seed + i`. */
  readonly seed: number;
  /** Play only this many sequences, to see one again. */
  readonly sequences?: number;
}

const SHORTEST = 20;
const LONGEST = 400;
/** One sequence in so many signs with secp256k1. */
const REAL_EVERY = 64;

/** Plays random sequences of messages through two engines. True if every check held and at least 30 % of the messages were taken. */
export function runChannelFuzz({ runs, seed, sequences = Infinity }: ChannelFuzzOptions, print: (line: string) => void): boolean {
  print(`fuzz of channels: ${runs} messages in sequences of at least ${SHORTEST}, seed ${seed}`);
  const counts: Record<string, number> = {};
  let failures = 0;
  let played = 0;
  while ((counts["messages"] ?? 0) < runs && played < sequences) {
    const own = seed + played++;
    const random = createRandom(own ^ 0x5bd1e995);
    const messages = SHORTEST + Math.floor(random() * (LONGEST - SHORTEST));
    const isReal = played % REAL_EVERY === 0;
    const before = counts["messages"] ?? 0;
    try {
      playSequence(new FuzzWorld(own, counts, isReal ? realSigner : undefined), isReal ? SHORTEST : messages);
    } catch (error) {
      failures++;
      print(`seed ${own}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      print(`see it again: npm run fuzz:channels -- --seed ${own} --sequences 1`);
      if (failures >= 10) break;
    }
    if (isReal) counts["messages with real signatures"] = (counts["messages with real signatures"] ?? 0) + (counts["messages"] ?? 0) - before;
  }
  const accepted = (counts["accepted"] ?? 0) / Math.max(1, counts["messages"] ?? 0);
  print(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b, "en")).map(([name, count]) => `${name} ${count}`).join(", "));
  print(`${played} sequences, ${counts["messages"] ?? 0} messages, ${(100 * accepted).toFixed(1)} % accepted, ${failures} failed`);
  return failures === 0 && (accepted >= 0.3 || sequences !== Infinity);
}
