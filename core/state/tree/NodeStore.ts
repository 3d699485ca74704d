/** Takes the completed nodes of an append-only tree. Each node comes once, in ascending order within its level. */
export interface NodeSink {
  /**
   * `hashes` holds one or more nodes of 32 bytes, the first of them node `firstIndex` of `level` (0: leaves). It is only
   * valid during the call.
   */
  put(level: number, firstIndex: number, hashes: Uint8Array): void;
}

/** Gives completed nodes back. */
export interface NodeSource {
  /** The 32 bytes of a node that was put; the caller does not change them. Throws if it never was. */
  get(level: number, index: number): Uint8Array;
}

export interface NodeStore extends NodeSink, NodeSource {}
