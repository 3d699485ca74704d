import { getU64 } from "../codec/integers.ts";
import { INVOCATION, INVOCATION_STATUS, INVOKE_FLAG, KIND, LEAF_BYTES, OP, RECORD, SLOT_BYTES } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import { CHANNEL_ALLOCATOR, INVOCATION_ALLOCATOR, SESSION_ALLOCATOR, WORKFLOW_ALLOCATOR } from "./Context.ts";

/** Something that a record needs and that is not so yet. */
export interface Dependency {
  /** Place of the record in its bundle. */
  readonly record: number;
  /** KIND.INVOCATION, WORKFLOW, SESSION or CHANNEL. */
  readonly kind: number;
  readonly slot: number;
  readonly id: number;
  /** `missing`: no object has that id yet. `pending`: the call exists and is not answered (IV-7). */
  readonly state: "missing" | "pending";
}

const NONE: readonly Dependency[] = [];

/**
 * What the `count` records from `at` on wait for. An id that was given out and is gone counts as no dependency: waiting would
 * not help.
 */
export function dependenciesOf(state: State, view: DataView, at: number, count: number): readonly Dependency[] {
  let found: Dependency[] | undefined;
  const invocationIds = state.system.u64(INVOCATION_ALLOCATOR);
  const note = (record: number, kind: number, slot: number, id: number, lastId: number): void => {
    if (id <= lastId) return;
    found ??= [];
    found.push({ record, kind, slot, id, state: "missing" });
  };
  const noteCall = (record: number, slot: number, id: number): void => {
    if (id > invocationIds) return note(record, KIND.INVOCATION, slot, id, invocationIds);
    if (slot >= state.invocations.count || state.invocations.u64(slot * LEAF_BYTES + INVOCATION.id) !== id) return;
    if (state.invocations.u8(slot * LEAF_BYTES + INVOCATION.status) !== INVOCATION_STATUS.OPEN) return;
    found ??= [];
    found.push({ record, kind: KIND.INVOCATION, slot, id, state: "pending" });
  };
  for (let record = 0; record < count; record += 1, at += SLOT_BYTES) {
    const op = view.getUint8(at);
    if (op === OP.INVOKE) {
      const R = RECORD.INVOKE;
      const flags = view.getUint8(at + R.flags);
      if (flags === 0) continue;
      if ((flags & INVOKE_FLAG.WORKFLOW) !== 0) {
        note(record, KIND.WORKFLOW, view.getUint32(at + R.workflowSlot), getU64(view, at + R.workflowId), state.system.u64(WORKFLOW_ALLOCATOR));
      }
      if ((flags & INVOKE_FLAG.SESSION) !== 0) {
        note(record, KIND.SESSION, view.getUint32(at + R.auxSlot), getU64(view, at + R.auxId), state.system.u64(SESSION_ALLOCATOR));
      }
      if ((flags & INVOKE_FLAG.DEPENDENCY) !== 0) noteCall(record, view.getUint32(at + R.depSlot), getU64(view, at + R.depId));
      if ((flags & INVOKE_FLAG.SECOND_DEPENDENCY) !== 0) noteCall(record, view.getUint32(at + R.auxSlot), getU64(view, at + R.auxId));
    } else if (op >= OP.RESPOND && op <= OP.TIMEOUT || op === OP.CLAIM) {
      note(record, KIND.INVOCATION, view.getUint32(at + RECORD.RESPOND.slot), getU64(view, at + RECORD.RESPOND.id), invocationIds);
    } else if (op === OP.COMPOSE) {
      note(record, KIND.WORKFLOW, view.getUint32(at + RECORD.COMPOSE.slot), getU64(view, at + RECORD.COMPOSE.id), state.system.u64(WORKFLOW_ALLOCATOR));
    } else if (op === OP.SESSION_CLOSE) {
      note(record, KIND.SESSION, view.getUint32(at + RECORD.SESSION_CLOSE.slot), getU64(view, at + RECORD.SESSION_CLOSE.id), state.system.u64(SESSION_ALLOCATOR));
    } else if (op >= OP.CHANNEL_FUND && op <= OP.CHANNEL_EXPORT) {
      // They all name their channel at the same place.
      const R = RECORD.CHANNEL_CHALLENGE;
      note(record, KIND.CHANNEL, view.getUint32(at + R.slot), getU64(view, at + R.id), state.system.u64(CHANNEL_ALLOCATOR));
    }
  }
  return found ?? NONE;
}
