import { Trace } from "../../core/dispute/index.ts";
import type { RecordedStep, TraceOptions } from "../../core/dispute/index.ts";
import { FrontierNodeStore } from "../../core/dispute/FrontierNodeStore.ts";
import { DEPTH, KIND } from "../../core/generated/protocol.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import type { Random } from "../differential/scenario/Random.ts";
import { falsifyLeaf } from "./falsifyLeaf.ts";
import type { Lie } from "./Lie.ts";

const SYSTEM_NAMES: readonly LeafName[] = ["MACHINE", "ALLOCATOR", "REGISTER"];
const NAMES: Readonly<Record<number, LeafName>> = {
  [KIND.AGENT]: "AGENT", [KIND.DIRECTORY]: "DIRECTORY", [KIND.INVOCATION]: "INVOCATION", [KIND.WORKFLOW]: "WORKFLOW",
  [KIND.SESSION]: "SESSION", [KIND.RECEIPT]: "RECEIPT", [KIND.WITHDRAWAL]: "WITHDRAWAL",
};

/** A liar's trace: true up to a step whose outcome it falsifies in one field, and from there on honest about what follows. */
export class LyingTrace implements Lie {
  readonly length: number;
  readonly lieAt: number;
  readonly leaf: LeafName;
  readonly field: string;
  readonly what: string;
  readonly #truth: Trace;
  readonly #lie: Trace;

  /** `lieAt` is 1 to the length of the trace. */
  constructor(truth: Trace, options: TraceOptions, lieAt: number, random: Random) {
    this.length = truth.length;
    this.lieAt = lieAt;
    this.#truth = truth;
    const start = truth.startAt(lieAt - 1);
    const [receipts, withdrawals] = [new FrontierNodeStore(DEPTH.RECEIPT), new FrontierNodeStore(DEPTH.WITHDRAWAL)];
    receipts.load(start.tree.receipts);
    withdrawals.load(start.tree.withdrawals);
    const state = createState();
    state.importSnapshot(start.state);
    const tree = createStateTree({ receipts, withdrawals });
    tree.restore(start.tree);
    const machine = new Machine(state, options.parameters);
    const touched = touchedBy(new Machine(copyOf(start), options.parameters), options);
    machine.step(options.batchEnd, options.l1);
    const { kind, index } = random.pick(touched);
    const name = kind === KIND.SYSTEM ? SYSTEM_NAMES[index]! : NAMES[kind]!;
    const { leaf, field } = falsifyLeaf(name, state.leaf(kind, index), random);
    state.store(kind).setLeaf(index, leaf);
    [this.leaf, this.field] = [name, field];
    this.what = `${name}[${index}].${field} after step ${lieAt}`;
    tree.apply(state.drainDirty());
    this.#lie = new Trace({ ...options, start: { state: state.exportSnapshot(), tree: tree.snapshot() }, firstStep: lieAt, length: truth.length });
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => (step < this.lieAt ? this.#truth : this.#lie).stateRootAt(step));
  }

  stepProofAt(step: number): RecordedStep {
    return (step < this.lieAt ? this.#truth : this.#lie).stepProofAt(step);
  }
}

function copyOf(start: TraceOptions["start"]): ReturnType<typeof createState> {
  const state = createState();
  state.importSnapshot(start.state);
  return state;
}

/** Leaves that the next step touches and that can be falsified. */
function touchedBy(machine: Machine, options: TraceOptions): { kind: number; index: number }[] {
  const touched: { kind: number; index: number }[] = [];
  machine.state.observe({ touched: (store, index) => touched.push({ kind: store.kind, index }) });
  machine.step(options.batchEnd, options.l1);
  return touched;
}

