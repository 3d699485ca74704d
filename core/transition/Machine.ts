import type { ChannelDomain } from "../channel/index.ts";
import { bundleDigest } from "../codec/bundle.ts";
import { recoverSigner } from "../codec/signature.ts";
import type { Recover } from "../codec/signature.ts";
import { CoreError } from "../errors.ts";
import { AUTH, ERROR, MACHINE, OP, PHASE, RECORD, REGISTER, SIGNER, SLOT_BYTES, SOURCE, SYSTEM_LEAF } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import type { State } from "../state/State.ts";
import { Context, MACHINE_AT, REGISTER_AT } from "./Context.ts";
import { executeEntry } from "./entry.ts";
import { admit, checkTurn, findSigner, isAgent, isHeader, signerError } from "./header.ts";
import type { HeaderFields } from "./header.ts";
import type { BatchInput, EntryInput, L1Data } from "./L1Data.ts";
import { beginBatch, beginForced, normalise } from "./normalise.ts";
import { executeRecord } from "./record.ts";

/** What the register carries from record to record: recordsHash, signatureR, signatureVs (M-7). */
const CARRIED_AT = REGISTER_AT + REGISTER.recordsHash;

/** Parameters of a chain's transition. */
export interface TransitionParameters {
  /** 32 bytes, see `core/codec` `domainSeparator`. */
  readonly domainSeparator: Uint8Array;
  /** See `core/channel` `channelDomain`. */
  readonly channels: ChannelDomain;
  /** Fee in units by opcode - FIRST_OPCODE, 24 entries. */
  readonly feeTable: readonly number[];
  /** Defaults to plain JavaScript. */
  readonly recover?: Recover;
}

/** What one step did and which data of L1 it read. */
export interface StepTrace {
  /** Phase before the step. */
  phase: number;
  /** The batch that was read (its meta or a slot), null if none. */
  batch: BatchInput | null;
  /** The entry that was read (itself or a slot), null if none. */
  entry: EntryInput | null;
  /** Index of the slot that was read, -1 if none. */
  slot: number;
  /** Opcode of the record or entry that was executed, -1 if none. */
  op: number;
  /** Outcome of the record or entry, or header error; OK otherwise. */
  outcome: number;
}

/** The machine of the rulebook, one step at a time: what a dispute is about. */
export class Machine {
  readonly state: State;
  readonly #context: Context;
  readonly #domainSeparator: Uint8Array;
  readonly #recover: Recover;
  readonly #header: HeaderFields = { agent: 0, nonce: 0, validUntil: 0, auth: 0 };

  constructor(state: State, parameters: TransitionParameters) {
    this.state = state;
    this.#domainSeparator = parameters.domainSeparator;
    this.#recover = parameters.recover ?? recoverSigner;
    this.#context = new Context(state, parameters.feeTable, parameters.channels, this.#recover);
  }

  /** Makes one step. With every batch before `batchEnd` executed it is the identity (M-1). */
  step(batchEnd: number, l1: L1Data): StepTrace {
    const { system } = this.state;
    this.#context.enter();
    const trace: StepTrace = { phase: system.u8(MACHINE_AT + MACHINE.phase), batch: null, entry: null, slot: -1, op: -1, outcome: ERROR.OK };
    switch (trace.phase) {
      case PHASE.IDLE: this.#takeBatch(trace, batchEnd, l1); break;
      case PHASE.INBOX: this.#takeEntry(trace, l1); break;
      case PHASE.SLOTS: this.#readHeader(trace, l1); break;
      case PHASE.ABSORB: this.#absorb(trace, l1); break;
      case PHASE.VERIFY: this.#verify(trace); break;
      case PHASE.EXEC: this.#execute(trace, l1); break;
      default: throw new CoreError("transition/phase", `The machine has no phase ${trace.phase}.`);
    }
    return trace;
  }

  #takeBatch(trace: StepTrace, batchEnd: number, l1: L1Data): void {
    const index = this.#context.batchIndex;
    if (index >= batchEnd) return; // M-1
    trace.batch = l1.batch(index); // M-2
    beginBatch(this.state, trace.batch);
    normalise(this.state);
  }

  #takeEntry(trace: StepTrace, l1: L1Data): void {
    const { system } = this.state;
    const index = system.u64(MACHINE_AT + MACHINE.inboxCursor);
    const entry = l1.entry(index); // M-4
    trace.entry = entry;
    trace.op = entry.kind;
    if (entry.kind === OP.FORCED) {
      beginForced(this.state, entry);
    } else {
      trace.outcome = executeEntry(this.#context, entry);
      system.setU64(MACHINE_AT + MACHINE.inboxCursor, index + 1);
    }
    normalise(this.state);
  }

  #readHeader(trace: StepTrace, l1: L1Data): void {
    const { system } = this.state;
    const cursor = system.u32(MACHINE_AT + MACHINE.cursor);
    const slot = this.#readSlot(trace, l1, cursor); // M-5
    const slotsLeft = system.u32(MACHINE_AT + MACHINE.slots) - cursor;
    const isForced = system.u8(MACHINE_AT + MACHINE.source) === SOURCE.FORCED;
    if (!isHeader(slot, 0, slotsLeft, isForced)) {
      trace.outcome = ERROR.H_GARBAGE;
      system.setU32(MACHINE_AT + MACHINE.cursor, cursor + 1);
      normalise(this.state);
      return;
    }
    const R = RECORD.HEADER;
    system.touch(SYSTEM_LEAF.REGISTER);
    system.clear(REGISTER_AT);
    system.setU32(REGISTER_AT + REGISTER.agent, slot.getUint32(R.agent));
    system.view.setBigUint64(REGISTER_AT + REGISTER.nonce, slot.getBigUint64(R.nonce));
    system.view.setUint16(REGISTER_AT + REGISTER.count, slot.getUint16(R.count));
    system.setU32(REGISTER_AT + REGISTER.validUntil, slot.getUint32(R.validUntil));
    system.setU8(REGISTER_AT + REGISTER.auth, slot.getUint8(R.auth));
    system.bytes.set(new Uint8Array(slot.buffer, slot.byteOffset + R.signatureR, 64), REGISTER_AT + REGISTER.signatureR);
    system.setU8(MACHINE_AT + MACHINE.phase, PHASE.ABSORB);
  }

  #absorb(trace: StepTrace, l1: L1Data): void {
    const { system } = this.state;
    system.touch(SYSTEM_LEAF.REGISTER);
    const index = system.view.getUint16(REGISTER_AT + REGISTER.index);
    const slot = this.#readSlot(trace, l1, system.u32(MACHINE_AT + MACHINE.cursor) + 1 + index); // M-6
    const hashAt = REGISTER_AT + REGISTER.recordsHash;
    const message = new Uint8Array(32 + SLOT_BYTES);
    message.set(system.bytes.subarray(hashAt, hashAt + 32));
    message.set(new Uint8Array(slot.buffer, slot.byteOffset, SLOT_BYTES), 32);
    system.bytes.set(keccak256(message), hashAt); // B-4
    const isLast = index + 1 === system.view.getUint16(REGISTER_AT + REGISTER.count);
    system.view.setUint16(REGISTER_AT + REGISTER.index, isLast ? 0 : index + 1);
    if (isLast) system.setU8(MACHINE_AT + MACHINE.phase, PHASE.VERIFY);
  }

  #verify(trace: StepTrace): void {
    const { system } = this.state;
    const header = this.#header;
    system.touch(SYSTEM_LEAF.REGISTER); // M-7
    header.agent = system.u32(REGISTER_AT + REGISTER.agent);
    header.nonce = system.u64(REGISTER_AT + REGISTER.nonce);
    header.validUntil = system.u32(REGISTER_AT + REGISTER.validUntil);
    header.auth = system.u8(REGISTER_AT + REGISTER.auth);
    let signer: number = SIGNER.NONE;
    let error: number = ERROR.H_AGENT;
    if (isAgent(this.state, header.agent)) { // H-1
      this.state.agents.touch(header.agent);
      error = checkTurn(this.state, this.#context.l2Time, header); // H-2, H-3
      if (error === ERROR.OK) {
        const recovered = header.auth === AUTH.SIGNATURE ? this.#recoverRegister() : null;
        signer = findSigner(this.state, this.#context.l2Time, header, recovered); // H-4
        if (signer === SIGNER.NONE) error = signerError(header.auth);
      }
    }
    trace.outcome = error;
    if (error !== ERROR.OK) {
      this.#endBundle();
      return;
    }
    admit(this.#context, header, signer);
    system.setU8(REGISTER_AT + REGISTER.signer, signer);
    system.bytes.fill(0, CARRIED_AT, CARRIED_AT + 96);
    system.setU8(MACHINE_AT + MACHINE.phase, PHASE.EXEC);
  }

  #execute(trace: StepTrace, l1: L1Data): void {
    const { system } = this.state;
    const ctx = this.#context;
    system.touch(SYSTEM_LEAF.REGISTER); // M-8
    const index = system.view.getUint16(REGISTER_AT + REGISTER.index);
    ctx.agent = system.u32(REGISTER_AT + REGISTER.agent);
    ctx.nonce = system.u64(REGISTER_AT + REGISTER.nonce);
    ctx.signer = system.u8(REGISTER_AT + REGISTER.signer);
    ctx.index = index;
    ctx.view = this.#readSlot(trace, l1, system.u32(MACHINE_AT + MACHINE.cursor) + 1 + index);
    ctx.at = 0;
    ctx.carried.set(system.bytes.subarray(CARRIED_AT, CARRIED_AT + 96));
    trace.op = ctx.view.getUint8(0);
    trace.outcome = executeRecord(ctx);
    system.bytes.set(ctx.carried, CARRIED_AT);
    if (index + 1 === system.view.getUint16(REGISTER_AT + REGISTER.count)) this.#endBundle();
    else system.view.setUint16(REGISTER_AT + REGISTER.index, index + 1);
  }

  /** The end of M-7 (failed) and M-8 (last record). */
  #endBundle(): void {
    const { system } = this.state;
    const cursor = system.u32(MACHINE_AT + MACHINE.cursor) + 1 + system.view.getUint16(REGISTER_AT + REGISTER.count);
    system.clear(REGISTER_AT);
    system.setU32(MACHINE_AT + MACHINE.cursor, cursor);
    system.setU8(MACHINE_AT + MACHINE.phase, PHASE.SLOTS);
    normalise(this.state);
  }

  #readSlot(trace: StepTrace, l1: L1Data, index: number): DataView {
    const { system } = this.state;
    let data: Uint8Array;
    if (system.u8(MACHINE_AT + MACHINE.source) === SOURCE.FORCED) {
      trace.entry = l1.entry(system.u64(MACHINE_AT + MACHINE.inboxCursor));
      data = trace.entry.data;
    } else {
      trace.batch = l1.batch(this.#context.batchIndex);
      data = trace.batch.data;
    }
    trace.slot = index;
    if ((index + 1) * SLOT_BYTES > data.length) throw new CoreError("transition/input", `The data has no slot ${index}.`);
    return new DataView(data.buffer, data.byteOffset + index * SLOT_BYTES, SLOT_BYTES);
  }

  #recoverRegister(): Uint8Array | null {
    const { system } = this.state;
    const word = (offset: number): Uint8Array => system.bytes.slice(REGISTER_AT + offset, REGISTER_AT + offset + 32);
    const digest = bundleDigest({
      domainSeparator: this.#domainSeparator,
      agent: this.#header.agent,
      nonce: this.#header.nonce,
      count: system.view.getUint16(REGISTER_AT + REGISTER.count),
      validUntil: this.#header.validUntil,
      recordsHash: word(REGISTER.recordsHash),
    });
    return this.#recover(digest, word(REGISTER.signatureR), word(REGISTER.signatureVs));
  }
}
