import type { RecordedStep, StepProof } from "../../../core/dispute/index.ts";
import { AlteredTrace } from "../../builders/AlteredTrace.ts";
import type { Delusion, LiarsHands } from "../../builders/AlteredTrace.ts";
import type { MarketEpoch } from "../../builders/marketEpoch.ts";

/** One way to lie about the market's great batch. */
export interface MarketLie {
  /** What the sequencer does that is not true: the end of a test's name. */
  readonly what: string;
  /** The operation or the rule that it is about. */
  readonly about: string;
  tell(market: MarketEpoch): AlteredTrace;
  /** By how many units an account is richer, or poorer, in the liar's end state than in truth. */
  readonly effect?: readonly [agent: number, units: number];
  /** Proofs that the liar offers at the end. */
  readonly forgeries?: (recorded: RecordedStep, lie: AlteredTrace, market: MarketEpoch) => readonly RecordedStep[];
}

/** A step that must be there. */
export function stepOf<K>(steps: ReadonlyMap<K, number>, name: K): number {
  const step = steps.get(name);
  if (step === undefined) throw new RangeError(`no step ${String(name)}`);
  return step;
}

/** Makes one step in another way, and goes on honestly from there, or by a delusion. */
export function lieAt({ truth, options }: MarketEpoch, step: number, act: (hands: LiarsHands) => void, delusion: Delusion = {}): AlteredTrace {
  return new AlteredTrace(truth, options, step, act, delusion);
}

/** The same step with another proof. */
export function withProof(recorded: RecordedStep, alter: (proof: StepProof) => StepProof): RecordedStep {
  return { ...recorded, proof: alter(recorded.proof) };
}
