import { CoreError } from "../errors.ts";
import { KIND, LEAF_BYTES, STATE_FORMAT } from "../generated/protocol.ts";
import { AddressDirectory } from "./AddressDirectory.ts";
import { LeafStore } from "./LeafStore.ts";
import type { DirtyLeaves, TouchObserver } from "./LeafStore.ts";

/** Everything a state holds, as plain bytes: one part a subtree. */
export interface StateSnapshot {
  readonly format: number;
  readonly parts: readonly { readonly kind: number; readonly first: number; readonly leaves: Uint8Array }[];
}

/** All leaves of the interaction trie. SYSTEM leaves stand at `MACHINE_AT`, `ALLOCATOR_AT`, `REGISTER_AT` of `system`. */
export class State {
  readonly system = new LeafStore(KIND.SYSTEM, false);
  readonly agents = new LeafStore(KIND.AGENT, false);
  readonly entries = new LeafStore(KIND.DIRECTORY, false);
  readonly invocations = new LeafStore(KIND.INVOCATION, false);
  readonly workflows = new LeafStore(KIND.WORKFLOW, false);
  readonly sessions = new LeafStore(KIND.SESSION, false);
  readonly channels = new LeafStore(KIND.CHANNEL, false);
  readonly receipts = new LeafStore(KIND.RECEIPT, true);
  readonly withdrawals = new LeafStore(KIND.WITHDRAWAL, true);
  readonly directory = new AddressDirectory(this.entries);

  readonly #stores: readonly LeafStore[] = [
    this.system, this.agents, this.entries, this.invocations, this.workflows, this.sessions, this.channels, this.receipts, this.withdrawals,
  ];

  constructor() {
    // The system leaves are read in place before the first touch.
    this.system.load(0, new Uint8Array(4 * LEAF_BYTES));
  }

  /** The leaves of a subtree kind. */
  store(kind: number): LeafStore {
    const store = this.#stores[kind - 1];
    if (store === undefined) throw new CoreError("state/index", `There is no subtree ${kind}.`);
    return store;
  }

  /** A copy of a leaf, zero if it was never written. Receipts and withdrawals only until they are drained. */
  leaf(kind: number, index: number): Uint8Array {
    return this.store(kind).leaf(index);
  }

  /** Copies of all leaves that were touched since the last call, for a tree in whatever thread. */
  drainDirty(): DirtyLeaves[] {
    const drained: DirtyLeaves[] = [];
    for (const store of this.#stores) {
      const dirty = store.drain();
      if (dirty !== null) drained.push(dirty);
    }
    return drained;
  }

  /** Reports every touch to `observer`, or to nobody for null. */
  observe(observer: TouchObserver | null): void {
    for (const store of this.#stores) store.observer = observer;
  }

  /** Copies of all leaves held. Drain first: what is not handed over yet would be lost to the tree. */
  exportSnapshot(): StateSnapshot {
    const parts = this.#stores.map((store) => {
      return { kind: store.kind, first: store.first, leaves: store.bytes.slice(0, store.count * LEAF_BYTES) };
    });
    return { format: STATE_FORMAT, parts };
  }

  /**
   * Becomes the state of a snapshot; nothing counts as changed afterwards.
   * @throws CoreError state/snapshot when its format or its subtrees are not this version's
   */
  importSnapshot(snapshot: StateSnapshot): void {
    if (snapshot.format !== STATE_FORMAT) {
      throw new CoreError("state/snapshot", `The snapshot has format ${snapshot.format}; this version reads ${STATE_FORMAT}.`);
    }
    if (snapshot.parts.length !== this.#stores.length) throw new CoreError("state/snapshot", "The snapshot lacks a subtree.");
    for (const [i, part] of snapshot.parts.entries()) {
      if (part.kind !== this.#stores[i].kind) throw new CoreError("state/snapshot", `Subtree ${part.kind} stands in the wrong place.`);
      this.#stores[i].load(part.first, part.leaves);
    }
    if (this.system.count < 3) throw new CoreError("state/snapshot", "The snapshot lacks the system leaves.");
    this.directory.rebuild();
  }
}

/** The empty state: genesis. */
export function createState(): State {
  return new State();
}
