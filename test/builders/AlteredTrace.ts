import { FrontierNodeStore } from "../../core/dispute/FrontierNodeStore.ts";
import { Trace } from "../../core/dispute/index.ts";
import type { RecordedStep, TraceOptions, TraceOracle } from "../../core/dispute/index.ts";
import { DEPTH } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import type { State } from "../../core/state/index.ts";
import { Machine } from "../../core/transition/index.ts";
import type { L1Data } from "../../core/transition/index.ts";

/** What a liar has at hand when it makes its false step. */
export interface LiarsHands {
  readonly state: State;
  /** Makes the step as the rules say, by the liar's own view of L1 and its own parameters. */
  step(): void;
}

/** A view of L1, or parameters, that the liar keeps from its first false step on. */
export type Delusion = Partial<Pick<TraceOptions, "l1" | "parameters">>;

/** A trace that is true up to step `step`, which is made in another way, and from there on what the machine makes of it. */
export class AlteredTrace implements TraceOracle {
  readonly length: number;
  /** The step that is false. */
  readonly step: number;
  readonly #truth: Trace;
  readonly #lie: Trace;

  constructor(truth: Trace, options: TraceOptions, step: number, act: (hands: LiarsHands) => void, delusion: Delusion = {}) {
    [this.length, this.step, this.#truth] = [truth.length, step, truth];
    const believed: TraceOptions = { ...options, ...delusion };
    const start = truth.startAt(step);
    const [receipts, withdrawals] = [new FrontierNodeStore(DEPTH.RECEIPT), new FrontierNodeStore(DEPTH.WITHDRAWAL)];
    receipts.load(start.tree.receipts);
    withdrawals.load(start.tree.withdrawals);
    const state = createState();
    state.importSnapshot(start.state);
    const tree = createStateTree({ receipts, withdrawals });
    tree.restore(start.tree);
    const machine = new Machine(state, believed.parameters);
    const l1: L1Data = believed.l1;
    act({ state, step: () => machine.step(options.batchEnd, l1) });
    tree.apply(state.drainDirty());
    this.#lie = new Trace({ ...believed, start: { state: state.exportSnapshot(), tree: tree.snapshot() }, firstStep: step + 1, length: truth.length });
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => (step <= this.step ? this.#truth : this.#lie).stateRootAt(step));
  }

  /** The state that the liar claims at the epoch's end. */
  endState(): State {
    const state = createState();
    state.importSnapshot(this.#lie.startAt(this.length).state);
    return state;
  }

  stepProofAt(step: number): RecordedStep {
    return (step <= this.step ? this.#truth : this.#lie).stepProofAt(step);
  }
}
