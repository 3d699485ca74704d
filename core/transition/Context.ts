import type { ChannelDomain } from "../channel/index.ts";
import { ALLOCATOR, LEAF_BYTES, MACHINE, SYSTEM_LEAF } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import type { Recover } from "../codec/signature.ts";

/** Byte offsets of the system leaves in `state.system`. */
export const MACHINE_AT = SYSTEM_LEAF.MACHINE * LEAF_BYTES;
export const ALLOCATOR_AT = SYSTEM_LEAF.ALLOCATOR * LEAF_BYTES;
export const REGISTER_AT = SYSTEM_LEAF.REGISTER * LEAF_BYTES;

/** Where ALLOCATOR keeps a kind of object: next id, next slot and free head stand at the same distances for all. */
export const INVOCATION_ALLOCATOR = ALLOCATOR_AT + ALLOCATOR.invocationNextId;
export const WORKFLOW_ALLOCATOR = ALLOCATOR_AT + ALLOCATOR.workflowNextId;
export const SESSION_ALLOCATOR = ALLOCATOR_AT + ALLOCATOR.sessionNextId;
export const CHANNEL_ALLOCATOR = ALLOCATOR_AT + ALLOCATOR.channelNextId;

/** Leaves of a subtree of depth 12: agents, invocations, workflows, sessions, channels. */
export const SLOT_LIMIT = 4 ** 12;

const NOTHING = new DataView(new ArrayBuffer(0));

/**
 * What an operation works with: the state, the acting agent, the record, and the fields of the receipt that it fills in.
 * One per executor, reused for every record, so that the hot path allocates nothing.
 */
export class Context {
  readonly state: State;
  /** Fee in units by opcode - FIRST_OPCODE. */
  readonly fees: Float64Array;
  readonly channels: ChannelDomain;
  readonly recover: Recover;
  /** What the register carries from record to record of a bundle (M-7): an approval (CH-20), then r and vs of a signature (SG-1). */
  readonly carried = new Uint8Array(96);

  l2Time = 0;
  batchIndex = 0;

  /** The acting agent: index, byte offset in `state.agents`, who signed for it, nonce of the header. */
  agent = 0;
  agentAt = 0;
  signer = 0;
  nonce = 0;
  /** Place of the record in its bundle. */
  index = 0;

  /** The record (or entry, see entry.ts): a view and the byte offset of its slot. */
  view: DataView = NOTHING;
  at = 0;

  /** The receipt's fields, zero until an operation succeeds. */
  settlement = 0;
  slot = 0;
  id = 0;
  amount = 0;
  requester = 0;
  provider = 0;
  capability = 0;
  hasHashes = false;
  /** Input and output hash of the call. */
  readonly hashes = new DataView(new ArrayBuffer(64));

  /** Slot and id that `allocate` gave. */
  newSlot = 0;
  newId = 0;

  constructor(state: State, fees: readonly number[], channels: ChannelDomain, recover: Recover) {
    this.state = state;
    this.fees = Float64Array.from(fees);
    this.channels = channels;
    this.recover = recover;
  }

  /** Empties the receipt's fields. */
  resetReceipt(): void {
    this.settlement = 0;
    this.slot = 0;
    this.id = 0;
    this.amount = 0;
    this.requester = 0;
    this.provider = 0;
    this.capability = 0;
    this.hasHashes = false;
  }

  /** Touches MACHINE and reads what every operation needs of it. */
  enter(): void {
    const system = this.state.system;
    system.touch(SYSTEM_LEAF.MACHINE);
    this.l2Time = system.u32(MACHINE_AT + MACHINE.l2Time);
    this.batchIndex = system.u64(MACHINE_AT + MACHINE.batchIndex);
  }

  /** Accounts that exist. */
  agentCount(): number {
    return this.state.system.u32(MACHINE_AT + MACHINE.agentCount);
  }
}
