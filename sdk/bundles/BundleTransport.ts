/** The sequencer gave the bundle a place in its order. A hint, not signed. */
export interface SequencedAck {
  readonly level: "sequenced";
}

/** The bundle is in the sequencer's log, and the head over it is signed: what it did can no longer be taken back. */
export interface DurableAck {
  readonly level: "durable";
  /** Global sequence number of the bundle's first record. */
  readonly position: number;
  /** Index of the receipt of its first record. */
  readonly firstReceipt: number;
  /** What became of each record: 0 or the id of an error, and the object it made or touched. */
  readonly results: readonly { readonly outcome: number; readonly slot: number; readonly id: number }[];
}

/** A state root that covers the bundle is computed and signed. */
export interface RootedAck {
  readonly level: "rooted";
  /** Records that the state has executed. */
  readonly position: number;
  /** The state after so many batches. */
  readonly batchCount: number;
  /** 32 bytes as hex. */
  readonly stateRoot: string;
}

/** A bundle on its way. All three reject with the same SdkError when the sequencer refuses it. */
export interface BundleTicket {
  readonly sequenced: Promise<SequencedAck>;
  readonly durable: Promise<DurableAck>;
  readonly rooted: Promise<RootedAck>;
}

/** Carries bundles to the sequencer, in order. */
export interface BundleTransport {
  submit(bundle: Uint8Array): BundleTicket;
  /** Gives up what is not acknowledged. */
  close(): Promise<void>;
}
