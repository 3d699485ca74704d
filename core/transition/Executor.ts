import { bundleDigest, recordsHash } from "../codec/bundle.ts";
import { recoverSigner } from "../codec/signature.ts";
import type { Recover } from "../codec/signature.ts";
import { CoreError } from "../errors.ts";
import { AUTH, ERROR, MACHINE, MAX_BUNDLE_RECORDS, OP, PHASE, RECORD, SIGNER, SLOT_BYTES, SYSTEM_LEAF } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import { Context, MACHINE_AT } from "./Context.ts";
import { dependenciesOf } from "./dependencies.ts";
import type { Dependency } from "./dependencies.ts";
import { executeEntry } from "./entry.ts";
import { admit, checkTurn, findSigner, isAgent, isHeader, nonceDistance, readHeader, signerError } from "./header.ts";
import type { HeaderFields } from "./header.ts";
import type { EntryInput } from "./L1Data.ts";
import type { TransitionParameters } from "./Machine.ts";
import { beginBatch, beginForced, beginSlots, endBatch, endForced } from "./normalise.ts";
import { executeRecord } from "./record.ts";

/** What became of a bundle; reused by the caller. */
export interface BundleResult {
  /** Outcome of each record. */
  readonly outcomes: Uint8Array;
  /** Slot of each record's object, or account index; 0 for a rejected record. */
  readonly slots: Uint32Array;
  /** Id of each record's object; 0 for a rejected record. */
  readonly ids: Float64Array;
  /** Records executed; 0 when the header failed. */
  count: number;
  /** Slots that the bundle takes in the batch, header included; 1 for garbage. */
  slotsTaken: number;
  /** Global number of the first record's receipt. */
  firstReceipt: number;
}

/** Room for the largest bundle. */
export function createBundleResult(): BundleResult {
  return {
    outcomes: new Uint8Array(MAX_BUNDLE_RECORDS),
    slots: new Uint32Array(MAX_BUNDLE_RECORDS),
    ids: new Float64Array(MAX_BUNDLE_RECORDS),
    count: 0,
    slotsTaken: 0,
    firstReceipt: 0,
  };
}

/** Told of each bundle in a FORCED entry: its result, header error (0: none) and first slot. */
export type ForcedBundleListener = (result: BundleResult, headerError: number, slot: number) => void;

/**
 * The fast path: whole bundles at a time, without the register. After every batch, and after every bundle of a batch whose
 * number of slots was given, the state is that of the machine (M-*).
 */
export class Executor {
  readonly state: State;
  readonly #context: Context;
  readonly #domainSeparator: Uint8Array;
  readonly #recover: Recover;
  readonly #header: HeaderFields = { agent: 0, nonce: 0, validUntil: 0, auth: 0 };
  readonly #forcedResult = createBundleResult();
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(state: State, parameters: TransitionParameters) {
    this.state = state;
    this.#domainSeparator = parameters.domainSeparator;
    this.#recover = parameters.recover ?? recoverSigner;
    this.#context = new Context(state, parameters.feeTable, parameters.channels, this.#recover);
  }

  /**
   * M-2: starts the next batch. `slots` may be left out while it is not known; then MACHINE's two counts of slots are zero until
   * the batch ends. Entries `inboxCursor` … `queueEnd - 1` must be applied before the first bundle.
   * @throws CoreError transition/phase while a batch is open
   */
  beginBatch(batch: { readonly l2Time: number; readonly queueEnd: number; readonly slots?: number }): void {
    this.#require(PHASE.IDLE);
    beginBatch(this.state, { l2Time: batch.l2Time, queueEnd: batch.queueEnd, slots: batch.slots ?? 0 });
    this.#endInboxWhenDone();
    this.#context.enter();
  }

  /**
   * M-4: consumes the next entry. Returns its outcome (OK for FORCED, whose bundles go to `onBundle`).
   * @throws CoreError transition/phase when no entry is left in this batch
   */
  applyEntry(entry: EntryInput, onBundle?: ForcedBundleListener): number {
    this.#require(PHASE.INBOX);
    const { system } = this.state;
    let outcome: number = ERROR.OK;
    this.#context.enter();
    if (entry.kind === OP.FORCED) {
      this.#applyForced(entry, onBundle);
      endForced(this.state);
    } else {
      outcome = executeEntry(this.#context, entry);
      const cursorAt = MACHINE_AT + MACHINE.inboxCursor;
      system.setU64(cursorAt, system.u64(cursorAt) + 1);
    }
    this.#endInboxWhenDone();
    return outcome;
  }

  /**
   * M-5 … M-8 for the bundle (or garbage slot) at `offset` of `bytes`, which ends with the data of the batch or message.
   * `recovered` is the address that the header's signature recovers, null for none. Returns the header error, 0 for none.
   * A header that fails takes its place in the batch like any other: a sequencer calls `checkHeader` first.
   * @throws CoreError transition/phase while entries are left or no batch is open
   */
  executeBundle(bytes: Uint8Array, offset: number, recovered: Uint8Array | null, out: BundleResult): number {
    this.#require(PHASE.SLOTS);
    const slotsLeft = Math.floor((bytes.length - offset) / SLOT_BYTES);
    const error = this.#runBundle(bytes, offset, slotsLeft, false, recovered, out);
    const { system } = this.state;
    const cursorAt = MACHINE_AT + MACHINE.cursor;
    system.setU32(cursorAt, system.u32(cursorAt) + out.slotsTaken);
    return error;
  }

  /** M-3 (c): ends the batch. Returns how many slots it has. */
  endBatch(): number {
    this.#require(PHASE.SLOTS);
    const slots = this.state.system.u32(MACHINE_AT + MACHINE.cursor);
    this.state.system.touch(SYSTEM_LEAF.MACHINE);
    endBatch(this.state);
    return slots;
  }

  /** What `executeBundle` would say of the header at the chain's present time, without any effect: 0 or a header error. */
  checkHeader(bytes: Uint8Array, offset: number, recovered: Uint8Array | null): number {
    const view = this.#viewOf(bytes);
    const at = bytes.byteOffset + offset;
    if (bytes.length - offset < SLOT_BYTES) return ERROR.H_GARBAGE;
    if (!isHeader(view, at, Math.floor((bytes.length - offset) / SLOT_BYTES), false)) return ERROR.H_GARBAGE;
    const header = this.#header;
    readHeader(view, at, header);
    if (!isAgent(this.state, header.agent)) return ERROR.H_AGENT;
    const l2Time = this.state.system.u32(MACHINE_AT + MACHINE.l2Time);
    const error = checkTurn(this.state, l2Time, header);
    if (error !== ERROR.OK) return error;
    return findSigner(this.state, l2Time, header, recovered) === SIGNER.NONE ? signerError(header.auth) : ERROR.OK;
  }

  /** True if whoever made the signature may act for the header's agent now (H-4), whatever its nonce and time. */
  isSigned(bytes: Uint8Array, offset: number, recovered: Uint8Array | null): boolean {
    const header = this.#header;
    readHeader(this.#viewOf(bytes), bytes.byteOffset + offset, header);
    if (!isAgent(this.state, header.agent)) return false;
    return findSigner(this.state, this.state.system.u32(MACHINE_AT + MACHINE.l2Time), header, recovered) !== SIGNER.NONE;
  }

  /** The header's nonce less the agent's next one: above 0 a gap, below 0 a replay; NaN for an agent that does not exist. */
  nonceDistance(bytes: Uint8Array, offset: number): number {
    readHeader(this.#viewOf(bytes), bytes.byteOffset + offset, this.#header);
    return isAgent(this.state, this.#header.agent) ? nonceDistance(this.state, this.#header) : NaN;
  }

  /** The calls, workflows, sessions and channels that records of the bundle wait for; empty when none does. */
  dependenciesOf(bytes: Uint8Array, offset: number): readonly Dependency[] {
    const view = this.#viewOf(bytes);
    const at = bytes.byteOffset + offset;
    return dependenciesOf(this.state, view, at + SLOT_BYTES, view.getUint16(at + RECORD.HEADER.count));
  }

  /** The digest that the signature of the bundle at `offset` covers (B-5). */
  digestOf(bytes: Uint8Array, offset: number): Uint8Array {
    const view = this.#viewOf(bytes);
    const at = bytes.byteOffset + offset;
    readHeader(view, at, this.#header);
    const count = view.getUint16(at + RECORD.HEADER.count);
    return bundleDigest({
      domainSeparator: this.#domainSeparator,
      agent: this.#header.agent,
      nonce: this.#header.nonce,
      count,
      validUntil: this.#header.validUntil,
      recordsHash: recordsHash(bytes, offset + SLOT_BYTES, count),
    });
  }

  /** The address that the signature of the bundle at `offset` recovers, null for none or for another auth than SIGNATURE. */
  recoverBundle(bytes: Uint8Array, offset: number): Uint8Array | null {
    if (bytes[offset + RECORD.HEADER.auth] !== AUTH.SIGNATURE) return null;
    const word = (at: number): Uint8Array => bytes.subarray(offset + at, offset + at + 32);
    return this.#recover(this.digestOf(bytes, offset), word(RECORD.HEADER.signatureR), word(RECORD.HEADER.signatureVs));
  }

  /** True if the slot at `offset` starts a bundle that fits (M-5). */
  isBundle(bytes: Uint8Array, offset: number): boolean {
    const slotsLeft = Math.floor((bytes.length - offset) / SLOT_BYTES);
    return slotsLeft > 0 && isHeader(this.#viewOf(bytes), bytes.byteOffset + offset, slotsLeft, false);
  }

  #runBundle(bytes: Uint8Array, offset: number, slotsLeft: number, isForced: boolean, recovered: Uint8Array | null, out: BundleResult): number {
    const { state } = this;
    const ctx = this.#context;
    const view = this.#viewOf(bytes);
    const at = bytes.byteOffset + offset;
    out.count = 0;
    out.slotsTaken = 1;
    ctx.enter();
    if (slotsLeft < 1) throw new CoreError("codec/length", `There is no slot at ${offset}.`);
    if (!isHeader(view, at, slotsLeft, isForced)) return ERROR.H_GARBAGE;
    const header = this.#header;
    readHeader(view, at, header);
    const count = view.getUint16(at + RECORD.HEADER.count);
    out.slotsTaken = 1 + count;
    if (!isAgent(state, header.agent)) return ERROR.H_AGENT; // H-1
    const error = checkTurn(state, ctx.l2Time, header); // H-2, H-3
    if (error !== ERROR.OK) return error;
    const signer = findSigner(state, ctx.l2Time, header, recovered); // H-4
    if (signer === SIGNER.NONE) return signerError(header.auth);

    state.agents.touch(header.agent);
    admit(ctx, header, signer);
    ctx.carried.fill(0);
    out.count = count;
    out.firstReceipt = state.system.u64(MACHINE_AT + MACHINE.receiptCount);
    ctx.view = view;
    for (let i = 0; i < count; i += 1) {
      ctx.index = i;
      ctx.at = at + (i + 1) * SLOT_BYTES;
      const outcome = executeRecord(ctx);
      out.outcomes[i] = outcome;
      const isDone = outcome === ERROR.OK;
      out.slots[i] = isDone ? ctx.slot : 0;
      out.ids[i] = isDone ? ctx.id : 0;
    }
    return ERROR.OK;
  }

  #applyForced(entry: EntryInput, onBundle: ForcedBundleListener | undefined): void {
    beginForced(this.state, entry);
    const { data } = entry;
    const out = this.#forcedResult;
    for (let slot = 0; slot < entry.slots; slot += out.slotsTaken) {
      const offset = slot * SLOT_BYTES;
      const slotsLeft = entry.slots - slot;
      const isSigned = isHeader(this.#viewOf(data), data.byteOffset + offset, slotsLeft, true) && data[offset + RECORD.HEADER.auth] === AUTH.SIGNATURE;
      const recovered = isSigned ? this.recoverBundle(data, offset) : null;
      const error = this.#runBundle(data, offset, slotsLeft, true, recovered, out);
      onBundle?.(out, error, slot);
    }
    // The cursor and slots of the forced entry stay in MACHINE until M-3 (a) sets them again.
    this.state.system.setU32(MACHINE_AT + MACHINE.cursor, entry.slots);
  }

  #endInboxWhenDone(): void {
    const { system } = this.state;
    if (system.u64(MACHINE_AT + MACHINE.inboxCursor) === system.u64(MACHINE_AT + MACHINE.queueEnd)) beginSlots(this.state);
  }

  #require(phase: number): void {
    const actual = this.state.system.u8(MACHINE_AT + MACHINE.phase);
    if (actual !== phase) throw new CoreError("transition/phase", `The machine is in phase ${actual}, not in ${phase}.`);
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer);
    return this.#view;
  }
}

/** An executor of a chain's rules on `state`. */
export function createExecutor(state: State, parameters: TransitionParameters): Executor {
  return new Executor(state, parameters);
}
