import { AUTH, LEAF_BYTES, MACHINE, OP, PHASE, RECORD, SLOT_BYTES, SOURCE } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import { MACHINE_AT, REGISTER_AT } from "../transition/Context.ts";
import { createBundleResult, Executor } from "../transition/Executor.ts";
import type { BatchInput, EntryInput, L1Data } from "../transition/L1Data.ts";
import { Machine } from "../transition/Machine.ts";
import type { TransitionParameters } from "../transition/Machine.ts";

const ADDRESS_BYTES = 20;
/** What `signers` holds of a slot: 0 not known yet, 1 nobody, 2 the address that follows. */
const SIGNER_BYTES = 1 + ADDRESS_BYTES;
const NOBODY = 1;
const SOMEBODY = 2;

/** Reads L1 and keeps the batch and the entry that were read last. */
class RecentL1 implements L1Data {
  readonly #l1: L1Data;
  #batch: { readonly index: number; readonly input: BatchInput } | null = null;
  #entry: { readonly index: number; readonly input: EntryInput } | null = null;

  constructor(l1: L1Data) {
    this.#l1 = l1;
  }

  batch(index: number): BatchInput {
    if (this.#batch?.index !== index) this.#batch = { index, input: this.#l1.batch(index) };
    return this.#batch.input;
  }

  entry(index: number): EntryInput {
    if (this.#entry?.index !== index) this.#entry = { index, input: this.#l1.entry(index) };
    return this.#entry.input;
  }
}

/**
 * Moves a state along the machine's trace: whole bundles and entries on the fast path, single steps where a bundle is not to be
 * finished. Whom a signature recovers is remembered (it depends on the data alone), 21 bytes a slot of the epoch.
 */
export class TraceRunner {
  readonly machine: Machine;
  readonly l1: L1Data;
  readonly batchEnd: number;
  readonly #state: State;
  readonly #executor: Executor;
  readonly #out = createBundleResult();
  readonly #signers = new Map<number, Uint8Array>();

  constructor(state: State, parameters: TransitionParameters, l1: L1Data, batchEnd: number) {
    this.#state = state;
    this.l1 = new RecentL1(l1);
    this.batchEnd = batchEnd;
    this.machine = new Machine(state, parameters);
    this.#executor = new Executor(state, parameters);
  }

  /** True when every step from here on is the identity (M-1). */
  get isDone(): boolean {
    const { system } = this.#state;
    return system.u8(MACHINE_AT + MACHINE.phase) === PHASE.IDLE && system.u64(MACHINE_AT + MACHINE.batchIndex) >= this.batchEnd;
  }

  /** Moves on by at least one step and at most `atMost`; returns by how many. Not to be called when done. */
  advance(atMost: number): number {
    const { system } = this.#state;
    const phase = system.u8(MACHINE_AT + MACHINE.phase);
    if (phase === PHASE.SLOTS && system.u8(MACHINE_AT + MACHINE.source) === SOURCE.BATCH) {
      const steps = this.#bundle(atMost);
      if (steps > 0) return steps;
    } else if (phase === PHASE.INBOX) {
      const entry = this.l1.entry(system.u64(MACHINE_AT + MACHINE.inboxCursor));
      // The executor goes on to SLOTS, but the last step of a batch without slots ends it.
      if (entry.kind !== OP.FORCED && system.u32(MACHINE_AT + MACHINE.batchSlots) > 0) {
        this.#executor.applyEntry(entry);
        return 1;
      }
    }
    this.machine.step(this.batchEnd, this.l1);
    return 1;
  }

  /** The bundle or garbage at the cursor; 0, with nothing done, if it may take more than `atMost` steps. */
  #bundle(atMost: number): number {
    const { system } = this.#state;
    const index = system.u64(MACHINE_AT + MACHINE.batchIndex);
    const { data } = this.l1.batch(index);
    const slot = system.u32(MACHINE_AT + MACHINE.cursor);
    const slots = system.u32(MACHINE_AT + MACHINE.slots);
    const offset = slot * SLOT_BYTES;
    // A false state may count other slots than the data have, or have something in the register between bundles: the fast path
    // takes both for granted, so that the machine has to do it.
    if (slots * SLOT_BYTES !== data.length || !this.#isRegisterZero()) return 0;
    const isBundle = this.#executor.isBundle(data, offset);
    const count = isBundle ? new DataView(data.buffer, data.byteOffset + offset).getUint16(RECORD.HEADER.count) : 0;
    if (isBundle && 2 + 2 * count > atMost) return 0;
    const recovered = isBundle && data[offset + RECORD.HEADER.auth] === AUTH.SIGNATURE ? this.#signerOf(index, data, slot) : null;
    this.#executor.executeBundle(data, offset, recovered, this.#out);
    if (system.u32(MACHINE_AT + MACHINE.cursor) === slots) this.#executor.endBatch();
    return isBundle ? 2 + count + this.#out.count : 1;
  }

  #isRegisterZero(): boolean {
    const { view } = this.#state.system;
    for (let i = 0; i < LEAF_BYTES; i += 4) if (view.getUint32(REGISTER_AT + i) !== 0) return false;
    return true;
  }

  #signerOf(batch: number, data: Uint8Array, slot: number): Uint8Array | null {
    let known = this.#signers.get(batch);
    if (known === undefined) {
      known = new Uint8Array((data.length / SLOT_BYTES) * SIGNER_BYTES);
      this.#signers.set(batch, known);
    }
    const at = slot * SIGNER_BYTES;
    if (known[at] === 0) {
      const recovered = this.#executor.recoverBundle(data, slot * SLOT_BYTES);
      known[at] = recovered === null ? NOBODY : SOMEBODY;
      if (recovered !== null) known.set(recovered, at + 1);
    }
    return known[at] === SOMEBODY ? known.subarray(at + 1, at + SIGNER_BYTES) : null;
  }
}
