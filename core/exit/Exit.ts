import type { LeafOpening } from "../dispute/StepProof.ts";

/** Why money of the last state belongs to somebody; the rules of docs/DISPUTES.md, section 7. */
export type ExitReason =
  | "balance"
  | "unansweredCall"
  | "answeredCall"
  | "wonStep"
  | "lostStep"
  | "openWorkflow"
  | "channel"
  | "fees"
  | "withdrawal";

/** A leaf by its place. */
export interface LeafPlace {
  readonly kind: number;
  readonly index: number;
}

/** One leaf of the last state that holds money, and whom the exodus pays it to. */
export interface Exit extends LeafPlace {
  readonly reason: ExitReason;
  /** L1 address, lower case. */
  readonly to: string;
  readonly units: number;
  /** The leaves that the contract wants to see besides: a step's workflow, then the payee's agent; both agents of a channel. */
  readonly context: readonly LeafPlace[];
}

/** The arguments of `Exodus.payLeaf`. */
export interface ExitProof {
  readonly leaf: LeafOpening;
  readonly context: readonly LeafOpening[];
}

/** A deposit that the last state does not know: an argument of `Exodus.refundDeposit`. */
export interface DepositRefund {
  /** Of the entry. */
  readonly index: number;
  /** L1 address of its sender, lower case. */
  readonly to: string;
  readonly units: number;
}
