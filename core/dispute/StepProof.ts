/** `StepProof` of `contracts/interfaces/IOneStepProver.sol`, as plain values that an ABI encoder takes; bytes are hex. */
export interface StepProof {
  readonly batch: { readonly l2Time: number; readonly queueEnd: number; readonly slots: number; readonly dataRoot: string };
  readonly entry: {
    readonly kind: number;
    readonly sender: string;
    readonly account: string;
    readonly value: bigint;
    readonly slots: number;
    readonly dataRoot: string;
    readonly dueTime: number;
  };
  readonly slot: { readonly chunk: string; readonly siblings: readonly string[] };
  readonly leaves: readonly LeafOpening[];
}

/** A leaf that the step touches: its value before the step, and a path that is valid once the leaves before it are written. */
export interface LeafOpening {
  readonly kind: number;
  readonly index: bigint;
  readonly words: readonly [string, string, string, string];
  readonly siblings: readonly string[];
}
