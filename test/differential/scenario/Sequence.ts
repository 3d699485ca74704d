import { batchDataRoot, batchHash, entryHash } from "../../../core/codec/batch.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { recordStep } from "../../../core/dispute/index.ts";
import type { RecordedStep } from "../../../core/dispute/index.ts";
import { AGENT, ALLOCATOR, CHUNK_SLOTS, DEPTH, KIND, LEAF_BYTES, MACHINE, PHASE, SLOT_BYTES, SYSTEM_LEAF } from "../../../core/generated/protocol.ts";
import { createState } from "../../../core/state/State.ts";
import { createStateTree } from "../../../core/state/StateTree.ts";
import { Machine } from "../../../core/transition/index.ts";
import type { BatchInput, EntryInput, L1Data } from "../../../core/transition/index.ts";
import { TEST_CHANNELS } from "../../builders/TestRollup.ts";
import type { Actor } from "./Actors.ts";
import { generateBatch } from "./generateBatch.ts";
import { Random } from "./Random.ts";
import { StateView } from "./StateView.ts";

const MACHINE_AT = SYSTEM_LEAF.MACHINE * LEAF_BYTES;
const ALLOCATOR_AT = SYSTEM_LEAF.ALLOCATOR * LEAF_BYTES;
const SLOT_LIMIT = 4 ** 12;
/** Late, so that a sequence sees ordinary life first. */
const EDGE_BATCH = 24;

/** Parts of the state that a sequence may find full, or at the edge of a width, late in its life. */
export const EDGES = ["none", "calls", "workflows", "sessions", "channels", "agents", "withdrawals", "receipts", "counters"] as const;
export type Edge = (typeof EDGES)[number];

export interface SequenceOptions {
  readonly seed: number;
  readonly cast: readonly Actor[];
  readonly domainSeparator: Uint8Array;
  /** Makes the third batch three chunks long, with slots that are no bundles. */
  readonly hasLongBatch?: boolean;
}

/** Fees of a sequence: none, small ones, or such that accounts run dry. */
function feeTableOf(random: Random): number[] {
  const scale = random.pick([0, 3, 3, 400]);
  return Array.from({ length: 24 }, () => random.below(scale + 1));
}

/** Two chunks more than there are. */
function lengthened(data: Uint8Array): Uint8Array {
  const long = new Uint8Array(data.length + 2 * CHUNK_SLOTS * SLOT_BYTES + SLOT_BYTES).fill(0xff);
  long.set(data);
  return long;
}

/** A random run of the machine from genesis: batches are aimed at the state as it is when they begin. */
export class Sequence implements L1Data {
  readonly options: SequenceOptions;
  readonly feeTable: readonly number[];
  readonly edge: Edge;
  readonly state = createState();
  tree = createStateTree();
  readonly machine: Machine;
  readonly batches: BatchInput[] = [];
  readonly entries: EntryInput[] = [];
  readonly #random: Random;
  readonly #view: StateView;
  #batchEnd = 0;

  constructor(options: SequenceOptions) {
    this.options = options;
    this.#random = new Random(options.seed);
    this.feeTable = feeTableOf(this.#random);
    this.edge = this.#random.pick(EDGES);
    this.machine = new Machine(this.state, { domainSeparator: options.domainSeparator, channels: TEST_CHANNELS, feeTable: this.feeTable });
    this.#view = new StateView((kind, index) => this.state.leaf(kind, index));
  }

  batch(index: number): BatchInput {
    return this.batches[index] as BatchInput;
  }

  entry(index: number): EntryInput {
    return this.entries[index] as EntryInput;
  }

  /** The batches known to the machine, exclusive. */
  get batchEnd(): number {
    return this.#batchEnd;
  }

  batchHashAt(index: number): string {
    return toHex(batchHash(this.batch(index)));
  }

  entryHashAt(index: number): string {
    return toHex(entryHash(this.entry(index)));
  }

  /** One step with its proof. When the machine idles it first makes the identity step, then gets another batch. */
  next(): RecordedStep {
    const { phase } = this.#view.machine();
    const isIdle = phase === PHASE.IDLE && this.#view.machine()["batchIndex"] === this.#batchEnd;
    // The first idle step after a batch is the identity of M-1, then the story goes on.
    if (isIdle && this.#batchEnd === this.batches.length) this.#addBatch();
    else if (isIdle) this.#batchEnd = this.batches.length;
    return recordStep(this.machine, this.tree, this.#batchEnd, this);
  }

  #addBatch(): void {
    if (this.batches.length === EDGE_BATCH) this.#goToEdge();
    const machine = this.#view.machine();
    const real = Math.min(machine["agentCount"] as number, this.state.agents.count - 1);
    const known = new Set(this.options.cast.map((actor) => toHex(actor.address)));
    const all = Array.from({ length: Math.max(0, real) }, (_, i) => i + 1);
    // Nobody here has the keys of accounts outside the cast.
    const agents = all.filter((agent) => known.has(toHex(this.#view.agent(agent)["owner"] as Uint8Array)) || this.#random.chance(0.05));
    const stage = { random: this.#random, view: this.#view, cast: this.options.cast, domainSeparator: this.options.domainSeparator, channels: TEST_CHANNELS };
    const batch = generateBatch(stage, agents, machine["l2Time"] as number || 1_700_000_000, this.entries.length);
    for (const { data, ...entry } of batch.entries) {
      this.entries.push({ ...entry, data, slots: data.length / SLOT_BYTES, dataRoot: batchDataRoot(data) });
    }
    const lowered = this.#random.chance(0.05) ? Math.max(0, batch.queueEnd - 3) : batch.queueEnd;
    const queueEnd = batch.entries.length === 0 ? lowered : batch.queueEnd;
    const { l2Time } = batch;
    const data = this.options.hasLongBatch === true && this.batches.length === 2 ? lengthened(batch.data) : batch.data;
    this.batches.push({ l2Time, queueEnd, data, slots: data.length / SLOT_BYTES, dataRoot: batchDataRoot(data) });
  }

  /** Makes a part of the state full by hand: no run is long enough to fill 16 million slots. */
  #goToEdge(): void {
    const { system, agents } = this.state;
    const fill = (nextSlot: number, freeHead: number): void => {
      system.touch(SYSTEM_LEAF.ALLOCATOR);
      system.setU32(ALLOCATOR_AT + nextSlot, SLOT_LIMIT);
      system.setU32(ALLOCATOR_AT + freeHead, 0);
    };
    system.touch(SYSTEM_LEAF.MACHINE);
    switch (this.edge) {
      case "calls": fill(ALLOCATOR.invocationNextSlot, ALLOCATOR.invocationFreeHead); break;
      case "workflows": fill(ALLOCATOR.workflowNextSlot, ALLOCATOR.workflowFreeHead); break;
      case "sessions": fill(ALLOCATOR.sessionNextSlot, ALLOCATOR.sessionFreeHead); break;
      case "channels": fill(ALLOCATOR.channelNextSlot, ALLOCATOR.channelFreeHead); break;
      case "agents": system.setU32(MACHINE_AT + MACHINE.agentCount, SLOT_LIMIT - 1); break;
      case "withdrawals": system.setU64(MACHINE_AT + MACHINE.withdrawalCount, 4 ** DEPTH.WITHDRAWAL); break;
      case "receipts": system.setU64(MACHINE_AT + MACHINE.receiptCount, 4 ** DEPTH.RECEIPT); break;
      case "counters": {
        for (let agent = 1; agent < agents.count; agent += 1) {
          const at = agents.touch(agent);
          for (const field of [AGENT.made, AGENT.served, AGENT.failed, AGENT.disputed, AGENT.ratingCount]) agents.setU32(at + field, 0xffffffff);
          agents.setU64(at + AGENT.earned, Number.MAX_SAFE_INTEGER - 1);
        }
        break;
      }
      default: break;
    }
  }

  /** The root of a tree built anew from the raw leaves; receipts and withdrawals come from the tree that grew with them. */
  rebuiltRoot(): string {
    const fresh = createStateTree();
    for (const kind of [KIND.SYSTEM, KIND.AGENT, KIND.DIRECTORY, KIND.INVOCATION, KIND.WORKFLOW, KIND.SESSION, KIND.CHANNEL]) {
      const store = this.state.store(kind);
      if (store.count > 0) fresh.load(kind, 0, store.bytes.slice(0, store.count * LEAF_BYTES));
      if (toHex(fresh.subtreeRoot(kind)) !== toHex(this.tree.subtreeRoot(kind))) return `subtree ${kind} differs`;
    }
    return toHex(this.tree.root());
  }
}
