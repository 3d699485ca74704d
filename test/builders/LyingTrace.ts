import type { RecordedStep, Trace, TraceOptions } from "../../core/dispute/index.ts";
import { KIND } from "../../core/generated/protocol.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import type { State } from "../../core/state/index.ts";
import type { Random } from "../differential/scenario/Random.ts";
import { AlteredTrace } from "./AlteredTrace.ts";
import { falsifyLeaf } from "./falsifyLeaf.ts";
import type { Lie } from "./Lie.ts";

const SYSTEM_NAMES: readonly LeafName[] = ["MACHINE", "ALLOCATOR", "REGISTER"];
const NAMES: Readonly<Record<number, LeafName>> = {
  [KIND.AGENT]: "AGENT", [KIND.DIRECTORY]: "DIRECTORY", [KIND.INVOCATION]: "INVOCATION", [KIND.WORKFLOW]: "WORKFLOW",
  [KIND.SESSION]: "SESSION", [KIND.CHANNEL]: "CHANNEL", [KIND.RECEIPT]: "RECEIPT", [KIND.WITHDRAWAL]: "WITHDRAWAL",
};

/** A liar's trace: true up to a step whose outcome it falsifies in one field, and from there on honest about what follows. */
export class LyingTrace implements Lie {
  readonly length: number;
  readonly lieAt: number;
  readonly leaf: LeafName;
  readonly field: string;
  readonly what: string;
  readonly #trace: AlteredTrace;

  /** `lieAt` is 1 to the length of the trace. */
  constructor(truth: Trace, options: TraceOptions, lieAt: number, random: Random) {
    [this.length, this.lieAt] = [truth.length, lieAt];
    let [name, at, falsified]: [LeafName, number, string] = ["MACHINE", 0, ""];
    this.#trace = new AlteredTrace(truth, options, lieAt - 1, ({ state, step }) => {
      const touched = touchedBy(state, step);
      const { kind, index } = random.pick(touched);
      [name, at] = [kind === KIND.SYSTEM ? SYSTEM_NAMES[index]! : NAMES[kind]!, index];
      const { leaf, field } = falsifyLeaf(name, state.leaf(kind, index), random);
      falsified = field;
      state.store(kind).setLeaf(index, leaf);
    });
    [this.leaf, this.field] = [name, falsified];
    this.what = `${name}[${at}].${falsified} after step ${lieAt}`;
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return this.#trace.rootsAt(steps);
  }

  stepProofAt(step: number): RecordedStep {
    return this.#trace.stepProofAt(step);
  }
}

/** Makes the step; answers the leaves that it touched. */
function touchedBy(state: State, step: () => void): { kind: number; index: number }[] {
  const touched: { kind: number; index: number }[] = [];
  state.observe({ touched: (store, index) => touched.push({ kind: store.kind, index }) });
  step();
  state.observe(null);
  return touched;
}
