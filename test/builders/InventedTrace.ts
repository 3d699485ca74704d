import { toUtf8Bytes } from "ethers";

import type { RecordedStep, TraceOracle } from "../../core/dispute/index.ts";
import { keccak256 } from "../../core/hash/index.ts";

/** A rival's trace that is true up to a step and made up from there on: as cheap for an attacker as a false claim can be. */
export class InventedTrace implements TraceOracle {
  readonly length: number;
  readonly #truth: TraceOracle;
  readonly #from: number;
  readonly #name: string;

  /** `from` is the first false state, 1 to the length of the trace. */
  constructor(truth: TraceOracle, from: number, name: string) {
    [this.length, this.#truth, this.#from, this.#name] = [truth.length, truth, from, name];
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => (step < this.#from ? this.#truth.rootsAt([step])[0]! : keccak256(toUtf8Bytes(`${this.#name} ${step}`))));
  }

  stepProofAt(step: number): RecordedStep {
    return this.#truth.stepProofAt(step);
  }
}
