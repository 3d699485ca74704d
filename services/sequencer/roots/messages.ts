import type { DirtyLeaves, StateTreeSnapshot } from "../../../core/state/index.ts";

/** What the executor's thread asks of the root worker; answered in order. */
export type RootRequest =
  | { readonly id: number; readonly ask: "apply"; readonly drained: readonly DirtyLeaves[] }
  | { readonly id: number; readonly ask: "snapshot" }
  | { readonly id: number; readonly ask: "proof"; readonly kind: number; readonly index: number };

/** `leaf` only for receipts and withdrawals: the others are in the executor's memory. */
export interface RootAnswer {
  readonly id: number;
  readonly root?: Uint8Array;
  readonly proof?: Uint8Array;
  readonly leaf?: Uint8Array | undefined;
  readonly tree?: StateTreeSnapshot;
  readonly missing?: boolean;
}
