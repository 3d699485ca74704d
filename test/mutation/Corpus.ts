import { toHex } from "../../core/codec/hex.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { Sequence } from "../differential/scenario/Sequence.ts";

/** Roots after each step of some sequences, as the EVM computed them. */
export interface Corpus {
  readonly sequences: readonly { readonly seed: number; readonly roots: readonly string[] }[];
}

const DOMAIN = new Uint8Array(32).fill(0x2a);
const cast = ["ann", "bob", "cyd", "dan", "eve", "fay"].map(createActor);

/** The sequence with that seed, at its start. */
export function sequenceOf(seed: number): Sequence {
  return new Sequence({ seed, cast, domainSeparator: DOMAIN });
}

/** The domain separator of all sequences. */
export const domainSeparator = toHex(DOMAIN);

/** Where a replay first leaves the corpus, null if it never does. */
export function firstDifference(corpus: Corpus): string | null {
  for (const { seed, roots } of corpus.sequences) {
    const sequence = sequenceOf(seed);
    for (const [step, root] of roots.entries()) {
      const found = toHex(sequence.next().postRoot);
      if (found !== root) return `sequence ${seed}, step ${step}`;
    }
  }
  return null;
}
