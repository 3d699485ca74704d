import { ALLOCATOR, ERROR, SYSTEM_LEAF } from "../generated/protocol.ts";
import type { LeafStore } from "../state/LeafStore.ts";
import { SLOT_LIMIT } from "./Context.ts";
import type { Context } from "./Context.ts";

const NEXT_SLOT = ALLOCATOR.invocationNextSlot - ALLOCATOR.invocationNextId;
const FREE_HEAD = ALLOCATOR.invocationFreeHead - ALLOCATOR.invocationNextId;
/** Byte of a free leaf that links to the next free slot. */
const FREE_LINK = 8;

/** byte offset of the leaf with that slot and id, or -1 for E_REFERENCE. Every kind keeps its id in the first 8 bytes. */
export function reference(store: LeafStore, slot: number, id: number): number {
  if (slot >= SLOT_LIMIT) return -1;
  const at = store.touchHeld(slot);
  if (at < 0 || id === 0 || store.u64(at) !== id) return -1;
  return at;
}

/** OK, or E_FULL when no slot is left. ALLOCATOR must have been touched. */
export function checkFull(ctx: Context, allocator: number): number {
  const system = ctx.state.system;
  return system.u32(allocator + FREE_HEAD) === 0 && system.u32(allocator + NEXT_SLOT) === SLOT_LIMIT ? ERROR.E_FULL : ERROR.OK;
}

/**
 * takes a slot and an id, left in `ctx.newSlot` and `ctx.newId`. Returns the byte offset of the leaf, which is zero but for
 * the id.
 */
export function allocate(ctx: Context, store: LeafStore, allocator: number): number {
  const system = ctx.state.system;
  const freeHead = system.u32(allocator + FREE_HEAD);
  let slot: number;
  let at: number;
  if (freeHead !== 0) {
    slot = freeHead - 1;
    at = store.touch(slot);
    system.setU32(allocator + FREE_HEAD, store.u32(at + FREE_LINK));
    store.setU32(at + FREE_LINK, 0);
  } else {
    slot = system.u32(allocator + NEXT_SLOT);
    system.setU32(allocator + NEXT_SLOT, slot + 1);
    at = store.touch(slot);
  }
  const id = system.u64(allocator) + 1;
  system.setU64(allocator, id);
  store.setU64(at, id);
  ctx.newSlot = slot;
  ctx.newId = id;
  return at;
}

/** touches ALLOCATOR and puts the leaf at `at` on the free list. */
export function free(ctx: Context, store: LeafStore, allocator: number, at: number, slot: number): void {
  const system = ctx.state.system;
  system.touch(SYSTEM_LEAF.ALLOCATOR);
  store.clear(at);
  store.setU32(at + FREE_LINK, system.u32(allocator + FREE_HEAD));
  system.setU32(allocator + FREE_HEAD, slot + 1);
}
