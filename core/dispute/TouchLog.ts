import { LEAF_BYTES } from "../generated/protocol.ts";
import type { LeafStore, TouchObserver } from "../state/LeafStore.ts";

/** A leaf as it was when a step touched it first. */
export interface TouchedLeaf {
  readonly kind: number;
  readonly index: number;
  /** 128 bytes. */
  readonly before: Uint8Array;
}

/** Lists the leaves that a step touches, in order, each once: the order of the witness. */
export class TouchLog implements TouchObserver {
  readonly leaves: TouchedLeaf[] = [];

  touched(store: LeafStore, index: number, offset: number): void {
    for (const leaf of this.leaves) if (leaf.kind === store.kind && leaf.index === index) return;
    const before = offset < 0 ? new Uint8Array(LEAF_BYTES) : store.bytes.slice(offset, offset + LEAF_BYTES);
    this.leaves.push({ kind: store.kind, index, before });
  }
}
