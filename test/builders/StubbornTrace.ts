import type { RecordedStep, Trace } from "../../core/dispute/index.ts";
import { DEPTH, KIND, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import { FrontierNodeStore } from "../../core/dispute/FrontierNodeStore.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import type { Random } from "../differential/scenario/Random.ts";
import { falsifyLeaf, structuralFields } from "./falsifyLeaf.ts";
import type { Lie } from "./Lie.ts";

const LEAVES: readonly (readonly [name: LeafName, kind: number, index: number])[] = [
  ["MACHINE", KIND.SYSTEM, SYSTEM_LEAF.MACHINE], ["REGISTER", KIND.SYSTEM, SYSTEM_LEAF.REGISTER], ["DIRECTORY", KIND.DIRECTORY, 1],
];

/**
 * A liar that sticks to its lie: from one step on, one field of one leaf is false in every state, and all else is true. For fields
 * from which no machine can go on when they are false.
 */
export class StubbornTrace implements Lie {
  readonly length: number;
  readonly lieAt: number;
  readonly leaf: LeafName;
  readonly field: string;
  readonly what: string;
  readonly #truth: Trace;
  readonly #kind: number;
  readonly #index: number;
  /** Added bit by bit. */
  readonly #mask: Uint8Array;

  /** `lieAt` is 1 to the length of the trace. */
  constructor(truth: Trace, lieAt: number, random: Random) {
    this.#truth = truth;
    this.length = truth.length;
    this.lieAt = lieAt;
    [this.leaf, this.#kind, this.#index] = random.pick(LEAVES);
    const { leaf, field } = falsifyLeaf(this.leaf, new Uint8Array(128), random, structuralFields(this.leaf));
    [this.#mask, this.field] = [leaf, field];
    this.what = `${this.leaf}[${this.#index}].${field} in all states from ${lieAt} on`;
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => (step < this.lieAt ? this.#truth.stateRootAt(step) : this.#falseRootAt(step)));
  }

  stepProofAt(step: number): RecordedStep {
    return this.#truth.stepProofAt(step);
  }

  #falseRootAt(step: number): Uint8Array {
    const start = this.#truth.startAt(step);
    const [receipts, withdrawals] = [new FrontierNodeStore(DEPTH.RECEIPT), new FrontierNodeStore(DEPTH.WITHDRAWAL)];
    receipts.load(start.tree.receipts);
    withdrawals.load(start.tree.withdrawals);
    const state = createState();
    state.importSnapshot(start.state);
    const tree = createStateTree({ receipts, withdrawals });
    tree.restore(start.tree);
    for (const { kind, first, leaves } of start.state.parts) {
      if (kind !== KIND.RECEIPT && kind !== KIND.WITHDRAWAL && leaves.length > 0) tree.load(kind, first, leaves);
    }
    const leaf = state.leaf(this.#kind, this.#index).map((byte, at) => byte ^ this.#mask[at]!);
    state.store(this.#kind).setLeaf(this.#index, leaf);
    tree.apply(state.drainDirty());
    return tree.root();
  }
}
