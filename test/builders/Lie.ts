import type { TraceOracle } from "../../core/dispute/index.ts";
import type { LeafName } from "../../core/generated/protocol.ts";

/** The trace of a liar that falsified one field of one leaf. */
export interface Lie extends TraceOracle {
  /** State `lieAt` is the first that is false. */
  readonly lieAt: number;
  /** The kind of leaf that is false, and its field. */
  readonly leaf: LeafName;
  readonly field: string;
  /** All of it in words. */
  readonly what: string;
}
