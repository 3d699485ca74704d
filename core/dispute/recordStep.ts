import type { StateTree } from "../state/StateTree.ts";
import type { L1Data } from "../transition/L1Data.ts";
import type { Machine, StepTrace } from "../transition/Machine.ts";
import { encodeStepProof, hexWords } from "./encodeStepProof.ts";
import type { LeafOpening, StepProof } from "./StepProof.ts";
import { TouchLog } from "./TouchLog.ts";

/** A leaf that a step touched, before and after it: 128 bytes each. */
export interface StepLeaf {
  readonly kind: number;
  readonly index: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** A step with its proof, and the roots before and after. */
export interface RecordedStep {
  readonly trace: StepTrace;
  readonly proof: StepProof;
  /** In touch order. */
  readonly leaves: readonly StepLeaf[];
  /** 32 bytes. */
  readonly preRoot: Uint8Array;
  /** 32 bytes. */
  readonly postRoot: Uint8Array;
}

/**
 * Makes one step of `machine` and proves it. `tree` must hold what was drained of the machine's state so far; afterwards it
 * holds the state after the step, and nothing is left to drain.
 */
export function recordStep(machine: Machine, tree: StateTree, batchEnd: number, l1: L1Data): RecordedStep {
  const { state } = machine;
  tree.apply(state.drainDirty());
  const preRoot = tree.root();
  const log = new TouchLog();
  let trace: StepTrace;
  state.observe(log);
  try {
    trace = machine.step(batchEnd, l1);
  } finally {
    state.observe(null);
  }
  const leaves = log.leaves.map(({ kind, index, before }): StepLeaf => ({ kind, index, before, after: state.leaf(kind, index) }));
  const openings = leaves.map(({ kind, index, before, after }): LeafOpening => {
    const [w0, w1, w2, w3] = hexWords(before);
    const siblings = hexWords(tree.proof(kind, index));
    tree.apply([{ kind, indices: Float64Array.of(index), leaves: after }]);
    return { kind, index: BigInt(index), words: [w0, w1, w2, w3], siblings };
  });
  state.drainDirty();
  return { trace, proof: encodeStepProof(trace, openings), leaves, preRoot, postRoot: tree.root() };
}
