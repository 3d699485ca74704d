/** What a move of `BisectionGame` says: the states at the ends of the parts of `size` steps from `from` on, the end included. */
export interface Position {
  readonly from: number;
  readonly size: number;
  /** The state before the first of them, on which both agree. */
  readonly preState: Uint8Array;
  readonly states: readonly Uint8Array[];
}

/** What the last answer of a game leaves: one step, the state before it on which both agree, and what each says comes after. */
export interface Leaf {
  readonly step: number;
  readonly preState: Uint8Array;
  readonly saidEarlier: Uint8Array;
  readonly saidLater: Uint8Array;
}
