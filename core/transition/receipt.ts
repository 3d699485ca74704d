import { copyWords } from "../codec/integers.ts";
import { DEPTH, ERROR, INVOCATION, MACHINE, RECEIPT } from "../generated/protocol.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";

const RECEIPT_LIMIT = 4 ** DEPTH.RECEIPT;

/** RC-1: what the receipt says of the call at `callAt`; before the leaf is freed. */
export function noteCall(ctx: Context, callAt: number, slot: number, settlement: number): void {
  const calls = ctx.state.invocations;
  ctx.settlement = settlement;
  ctx.slot = slot;
  ctx.id = calls.u64(callAt + INVOCATION.id);
  ctx.amount = calls.u64(callAt + INVOCATION.price);
  ctx.requester = calls.u32(callAt + INVOCATION.requester);
  ctx.provider = calls.u32(callAt + INVOCATION.provider);
  ctx.capability = calls.u32(callAt + INVOCATION.capability);
  ctx.hasHashes = true;
  copyWords(calls.view, callAt + INVOCATION.inputHash, ctx.hashes, 0, 16);
}

/** RC-1 for an operation with a slot and an id that is no call. */
export function noteObject(ctx: Context, slot: number, id: number): void {
  ctx.slot = slot;
  ctx.id = id;
}

/** RC-1: the receipt of the record in `ctx`. */
export function writeReceipt(ctx: Context, op: number, outcome: number): void {
  const system = ctx.state.system;
  const count = system.u64(MACHINE_AT + MACHINE.receiptCount);
  if (count >= RECEIPT_LIMIT) return; // RC-2
  const receipts = ctx.state.receipts;
  const at = receipts.touch(count);
  const isDone = outcome === ERROR.OK;
  receipts.setU32(at, (op << 24) | (outcome << 16) | (isDone ? ctx.settlement << 8 : 0));
  receipts.setU32(at + RECEIPT.agent, ctx.agent);
  receipts.setU32(at + RECEIPT.l2Time, ctx.l2Time);
  receipts.setU64(at + RECEIPT.nonce, ctx.nonce);
  receipts.view.setUint16(at + RECEIPT.index, ctx.index);
  receipts.setU64(at + RECEIPT.batchIndex, ctx.batchIndex);
  if (isDone) {
    receipts.setU32(at + RECEIPT.slot, ctx.slot);
    receipts.setU64(at + RECEIPT.amount, ctx.amount);
    receipts.setU64(at + RECEIPT.id, ctx.id);
    receipts.setU32(at + RECEIPT.requester, ctx.requester);
    receipts.setU32(at + RECEIPT.provider, ctx.provider);
    receipts.setU32(at + RECEIPT.capability, ctx.capability);
    if (ctx.hasHashes) copyWords(ctx.hashes, 0, receipts.view, at + RECEIPT.inputHash, 16);
  }
  system.setU64(MACHINE_AT + MACHINE.receiptCount, count + 1);
}
