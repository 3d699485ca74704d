import { decodeLeaf } from "../../../core/codec/leaf.ts";
import { KIND, SYSTEM_LEAF } from "../../../core/generated/protocol.ts";

type Numbers = Readonly<Record<string, number>>;
type Fields = Readonly<Record<string, number | Uint8Array>>;

/** A live call, workflow, session or channel, with the slot it lies in. */
export interface Placed {
  readonly slot: number;
  readonly fields: Numbers;
}

/** What a scenario may know of the state: its leaves, by kind and index, without touching them. */
export class StateView {
  readonly #readLeaf: (kind: number, index: number) => Uint8Array;

  constructor(readLeaf: (kind: number, index: number) => Uint8Array) {
    this.#readLeaf = readLeaf;
  }

  machine(): Numbers {
    return decodeLeaf("MACHINE", this.#readLeaf(KIND.SYSTEM, SYSTEM_LEAF.MACHINE)) as Numbers;
  }

  allocator(): Numbers {
    return decodeLeaf("ALLOCATOR", this.#readLeaf(KIND.SYSTEM, SYSTEM_LEAF.ALLOCATOR)) as Numbers;
  }

  agent(index: number): Fields {
    return decodeLeaf("AGENT", this.#readLeaf(KIND.AGENT, index));
  }

  invocations(): Placed[] {
    return this.#live("INVOCATION", KIND.INVOCATION, this.allocator()["invocationNextSlot"] ?? 0);
  }

  workflows(): Placed[] {
    return this.#live("WORKFLOW", KIND.WORKFLOW, this.allocator()["workflowNextSlot"] ?? 0);
  }

  sessions(): Placed[] {
    return this.#live("SESSION", KIND.SESSION, this.allocator()["sessionNextSlot"] ?? 0);
  }

  channels(): Placed[] {
    return this.#live("CHANNEL", KIND.CHANNEL, this.allocator()["channelNextSlot"] ?? 0);
  }

  #live(leaf: "INVOCATION" | "WORKFLOW" | "SESSION" | "CHANNEL", kind: number, count: number): Placed[] {
    const placed: Placed[] = [];
    // A scenario that pretends to be full has a next slot far beyond what exists.
    for (let slot = 0; slot < Math.min(count, 512); slot += 1) {
      const fields = decodeLeaf(leaf, this.#readLeaf(kind, slot)) as unknown as Numbers;
      if (fields["id"] !== 0) placed.push({ slot, fields });
    }
    return placed;
  }
}
