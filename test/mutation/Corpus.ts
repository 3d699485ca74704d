import { createHash } from "node:crypto";

import { toHex } from "../../core/codec/hex.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { Sequence } from "../differential/scenario/Sequence.ts";

/** Marks of each step of some sequences, all of which the EVM agreed to. */
export interface Corpus {
  readonly sequences: readonly { readonly seed: number; readonly marks: readonly string[] }[];
}

const DOMAIN = new Uint8Array(32).fill(0x2a);
const cast = ["ann", "bob", "cyd", "dan", "eve", "fay"].map(createActor);

/** The sequence with that seed, at its start. */
export function sequenceOf(seed: number): Sequence {
  return new Sequence({ seed, cast, domainSeparator: DOMAIN, hasLongBatch: seed % 4 === 1 });
}

/** The domain separator of all sequences. */
export const domainSeparator = toHex(DOMAIN);

/** Stands for all that the EVM saw of a step: its root, its proof, and the hashes of what lies on L1. */
export function markOf(sequence: Sequence, step: RecordedStep): string {
  const hash = createHash("sha256").update(step.postRoot).update(JSON.stringify(step.proof, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
  const lastBatch = sequence.batches.length - 1;
  const lastEntry = sequence.entries.length - 1;
  if (lastBatch >= 0) hash.update(sequence.batchHashAt(lastBatch));
  if (lastEntry >= 0) hash.update(sequence.entryHashAt(lastEntry));
  return hash.digest("hex").slice(0, 16);
}

/** Where a replay first leaves the corpus, null if it never does. */
export function firstDifference(corpus: Corpus): string | null {
  for (const { seed, marks } of corpus.sequences) {
    const sequence = sequenceOf(seed);
    for (const [step, mark] of marks.entries()) {
      if (markOf(sequence, sequence.next()) !== mark) return `sequence ${seed}, step ${step}`;
    }
  }
  return null;
}
