import { MACHINE, PHASE, SOURCE } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import { MACHINE_AT } from "./Context.ts";

const PHASE_AT = MACHINE_AT + MACHINE.phase;
const SOURCE_AT = MACHINE_AT + MACHINE.source;
const CURSOR_AT = MACHINE_AT + MACHINE.cursor;
const SLOTS_AT = MACHINE_AT + MACHINE.slots;
const BATCH_SLOTS_AT = MACHINE_AT + MACHINE.batchSlots;
const QUEUE_END_AT = MACHINE_AT + MACHINE.queueEnd;
const INBOX_CURSOR_AT = MACHINE_AT + MACHINE.inboxCursor;
const BATCH_INDEX_AT = MACHINE_AT + MACHINE.batchIndex;

/** M-3: moves on from what is finished. */
export function normalise(state: State): void {
  const system = state.system;
  for (;;) {
    const phase = system.u8(PHASE_AT);
    if (phase === PHASE.INBOX && system.u64(INBOX_CURSOR_AT) === system.u64(QUEUE_END_AT)) {
      beginSlots(state); // (a)
    } else if (phase === PHASE.SLOTS && system.u32(CURSOR_AT) === system.u32(SLOTS_AT)) {
      if (system.u8(SOURCE_AT) === SOURCE.FORCED) {
        endForced(state); // (b)
      } else {
        endBatch(state); // (c)
        return;
      }
    } else {
      return;
    }
  }
}

/** M-3 (a): all entries of the batch are consumed. */
export function beginSlots(state: State): void {
  const system = state.system;
  system.setU8(PHASE_AT, PHASE.SLOTS);
  system.setU8(SOURCE_AT, SOURCE.BATCH);
  system.setU32(CURSOR_AT, 0);
  system.setU32(SLOTS_AT, system.u32(BATCH_SLOTS_AT));
}

/** M-3 (b): a forced entry is consumed. */
export function endForced(state: State): void {
  const system = state.system;
  system.setU64(INBOX_CURSOR_AT, system.u64(INBOX_CURSOR_AT) + 1);
  system.setU8(SOURCE_AT, SOURCE.BATCH);
  for (let i = 0; i < 20; i += 4) system.setU32(MACHINE_AT + MACHINE.forcedSender + i, 0);
  system.setU8(PHASE_AT, PHASE.INBOX);
}

/** M-3 (c): the batch is executed. */
export function endBatch(state: State): void {
  const system = state.system;
  system.setU64(BATCH_INDEX_AT, system.u64(BATCH_INDEX_AT) + 1);
  system.setU8(PHASE_AT, PHASE.IDLE);
  system.setU32(CURSOR_AT, 0);
  system.setU32(SLOTS_AT, 0);
  system.setU32(BATCH_SLOTS_AT, 0);
  system.setU64(QUEUE_END_AT, 0);
}

/** M-2, without normalising. */
export function beginBatch(state: State, batch: { readonly l2Time: number; readonly queueEnd: number; readonly slots: number }): void {
  const system = state.system;
  const inboxCursor = system.u64(INBOX_CURSOR_AT);
  system.setU32(MACHINE_AT + MACHINE.l2Time, batch.l2Time);
  system.setU32(SLOTS_AT, batch.slots);
  system.setU32(BATCH_SLOTS_AT, batch.slots);
  system.setU64(QUEUE_END_AT, Math.max(batch.queueEnd, inboxCursor));
  system.setU32(CURSOR_AT, 0);
  system.setU8(SOURCE_AT, SOURCE.BATCH);
  system.setU8(PHASE_AT, PHASE.INBOX);
}

/** M-4 for a FORCED entry, without normalising. */
export function beginForced(state: State, entry: { readonly sender: Uint8Array; readonly slots: number }): void {
  const system = state.system;
  system.setU8(PHASE_AT, PHASE.SLOTS);
  system.setU8(SOURCE_AT, SOURCE.FORCED);
  system.setU32(CURSOR_AT, 0);
  system.setU32(SLOTS_AT, entry.slots);
  system.bytes.set(entry.sender, MACHINE_AT + MACHINE.forcedSender);
}
