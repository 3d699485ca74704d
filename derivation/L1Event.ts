/** Where in the L1 chain something was found. */
export interface L1Position {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly transactionHash: string;
  /** unix seconds of the block */
  readonly timestamp: number;
}

/** An entry of the inbox (RULES B-3). Addresses and hashes as bytes, as the executor takes them. */
export interface QueuedEntry {
  readonly index: number;
  readonly kind: number;
  readonly sender: Uint8Array;
  readonly account: Uint8Array;
  /** units, or an ERC-8004 id */
  readonly value: number;
  readonly slots: number;
  readonly dataRoot: Uint8Array;
  readonly dueTime: number;
  /** The slots of a FORCED entry, empty for others. */
  readonly data: Uint8Array;
}

/** A batch with its data (RULES B-1, B-2). */
export interface SubmittedBatch {
  readonly index: number;
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  readonly dataRoot: Uint8Array;
  readonly data: Uint8Array;
}

/** What the contracts of a chain said, in the order of the L1. Amounts of the L1 in wei or base units. */
export type L1Event =
  | { readonly type: "entry"; readonly at: L1Position; readonly entry: QueuedEntry }
  | { readonly type: "batch"; readonly at: L1Position; readonly batch: SubmittedBatch }
  | { readonly type: "epoch"; readonly at: L1Position; readonly epoch: number; readonly batchEnd: number; readonly steps: number }
  | { readonly type: "claimed"; readonly at: L1Position; readonly claimId: string; readonly parentClaim: string; readonly round: number; readonly epoch: number; readonly stateRoot: string }
  | { readonly type: "entered"; readonly at: L1Position; readonly roundId: string; readonly n: number; readonly claimId: string; readonly backer: string; readonly bondWei: bigint }
  | { readonly type: "eliminated"; readonly at: L1Position; readonly roundId: string; readonly loser: number; readonly winner: number; readonly paidWei: bigint; readonly burnedWei: bigint }
  | { readonly type: "confirmed"; readonly at: L1Position; readonly claimId: string; readonly epoch: number; readonly stateRoot: string }
  | { readonly type: "withdrawn"; readonly at: L1Position; readonly index: number; readonly recipient: string; readonly amount: bigint; readonly paid: boolean };

export type L1EventType = L1Event["type"];
