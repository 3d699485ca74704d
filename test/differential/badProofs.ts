import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { KIND, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import type { LeafOpening, StepProof } from "../../core/dispute/index.ts";
import type { VectorRun } from "../builders/vectors/VectorRun.ts";

/** A vector's proof made bad: whatever the prover says then, it may not be a root. */
export interface BadProof {
  readonly what: string;
  readonly file: string;
  /** Start of the vector's name. */
  readonly vector: string;
  /** Instead of the vector's. */
  readonly batchEnd?: number;
  readonly alter: (proof: StepProof, run: VectorRun) => StepProof;
}

const WORD = `0x${"5a".repeat(32)}`;
const ZERO_WORD = `0x${"00".repeat(32)}`;

const withLeaf = (proof: StepProof, place: number, changes: Partial<LeafOpening>): StepProof => ({
  ...proof,
  leaves: proof.leaves.map((leaf, i) => (i === place ? { ...leaf, ...changes } : leaf)),
});

/** A leaf as it truly stands after the step. */
function openingOf({ rollup, tree }: VectorRun, kind: number, index: number): LeafOpening {
  const words = hexWords(rollup.state.store(kind).leaf(index)) as [string, string, string, string];
  return { kind, index: BigInt(index), words, siblings: hexWords(tree.proof(kind, index)) };
}

const ofInvoke: readonly (readonly [string, BadProof["alter"]])[] = [
  ["a leaf's word is another", (proof) => withLeaf(proof, 2, { words: [WORD, ZERO_WORD, ZERO_WORD, ZERO_WORD] })],
  ["a leaf that is only written has another word", (proof) => withLeaf(proof, proof.leaves.length - 1, { words: [ZERO_WORD, ZERO_WORD, ZERO_WORD, WORD] })],
  ["a sibling is another", (proof) => withLeaf(proof, 2, { siblings: [WORD, ...proof.leaves[2]!.siblings.slice(1)] })],
  ["a leaf has a level too many", (proof) => withLeaf(proof, 2, { siblings: [...proof.leaves[2]!.siblings, ZERO_WORD, ZERO_WORD, ZERO_WORD] })],
  ["a leaf is missing", (proof) => ({ ...proof, leaves: proof.leaves.slice(0, -1) })],
  ["a true leaf is too many", (proof, run) => ({ ...proof, leaves: [...proof.leaves, openingOf(run, KIND.AGENT, 1)] })],
  ["two leaves changed places", (proof) => ({ ...proof, leaves: [proof.leaves[0]!, proof.leaves[2]!, proof.leaves[1]!, ...proof.leaves.slice(3)] })],
  ["the slot's chunk is another", (proof) => ({ ...proof, slot: { ...proof.slot, chunk: `${proof.slot.chunk.slice(0, -2)}01` } })],
  ["the slot's chunk is cut", (proof) => ({ ...proof, slot: { ...proof.slot, chunk: proof.slot.chunk.slice(0, -192) } })],
  ["the chunk has a path it does not need", (proof) => ({ ...proof, slot: { ...proof.slot, siblings: [WORD, WORD, WORD] } })],
  ["the batch is another", (proof) => ({ ...proof, batch: { ...proof.batch, l2Time: proof.batch.l2Time + 1 } })],
];

/** Proofs that nobody may get past the prover. */
export const badProofs: readonly BadProof[] = [
  ...ofInvoke.map(([what, alter]) => ({ what, file: "INVOKE", vector: "", alter })),
  {
    what: "another true leaf stands for the machine",
    file: "MACHINE",
    vector: "M-1",
    batchEnd: 0,
    alter: (proof, run) => ({ ...proof, leaves: [openingOf(run, KIND.SYSTEM, SYSTEM_LEAF.REGISTER)] }),
  },
  {
    what: "a leaf of another kind stands for the machine",
    file: "MACHINE",
    vector: "M-1",
    batchEnd: 0,
    alter: (proof, run) => ({ ...proof, leaves: [openingOf(run, KIND.AGENT, 0)] }),
  },
  {
    what: "the low leaf's index lies beyond its tree",
    file: "OPEN_ACCOUNT",
    vector: "OA-2: an address has one account",
    alter: (proof) => ({
      ...proof,
      // The kind's own bits: the path to the root stays the same.
      leaves: proof.leaves.map((leaf) => (leaf.kind === KIND.DIRECTORY ? { ...leaf, index: leaf.index | (BigInt(leaf.kind) << 24n) } : leaf)),
    }),
  },
  {
    what: "the entry is another",
    file: "ENTRIES",
    vector: "EN-1: a deposit of nothing",
    alter: (proof) => ({ ...proof, entry: { ...proof.entry, dueTime: proof.entry.dueTime + 1 } }),
  },
  {
    what: "the slot is other garbage than what was posted",
    file: "HEADER",
    vector: "M-5: a slot of another kind is garbage",
    alter: (proof) => ({ ...proof, slot: { ...proof.slot, chunk: `${proof.slot.chunk.slice(0, -2)}01` } }),
  },
];

