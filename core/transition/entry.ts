import type { L1Entry } from "../codec/batch.ts";
import { DEPTH, ERROR, MACHINE, OP, RECEIPT } from "../generated/protocol.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";
import { deposit } from "./deposit.ts";
import { ACCOUNT_AT, SENDER_AT } from "./entryLayout.ts";
import { linkAgent } from "./linkAgent.ts";
import { sweepFees } from "./sweepFees.ts";

const RECEIPT_LIMIT = 4 ** DEPTH.RECEIPT;

const scratch = new Uint8Array(40);
const scratchView = new DataView(scratch.buffer);

/** Executes an entry that is not FORCED, with its receipt (M-4). Returns the outcome. */
export function executeEntry(ctx: Context, entry: L1Entry): number {
  ctx.resetReceipt();
  ctx.agent = 0;
  scratch.set(entry.sender, SENDER_AT);
  scratch.set(entry.account, ACCOUNT_AT);
  ctx.view = scratchView;
  const value = Number(entry.value);
  let outcome: number = ERROR.E_UNKNOWN_OP; // M-10
  if (entry.kind === OP.DEPOSIT) outcome = deposit(ctx, value);
  else if (entry.kind === OP.LINK_AGENT) outcome = linkAgent(ctx, value);
  else if (entry.kind === OP.SWEEP_FEES) outcome = sweepFees(ctx);
  writeEntryReceipt(ctx, entry.kind, outcome);
  return outcome;
}

/** RC-3. */
function writeEntryReceipt(ctx: Context, kind: number, outcome: number): void {
  const { system, receipts } = ctx.state;
  const count = system.u64(MACHINE_AT + MACHINE.receiptCount);
  if (count >= RECEIPT_LIMIT) return; // RC-2
  const at = receipts.touch(count);
  receipts.setU8(at + RECEIPT.op, kind);
  receipts.setU8(at + RECEIPT.outcome, outcome);
  receipts.setU32(at + RECEIPT.agent, ctx.agent);
  receipts.setU64(at + RECEIPT.id, system.u64(MACHINE_AT + MACHINE.inboxCursor));
  receipts.setU32(at + RECEIPT.l2Time, ctx.l2Time);
  receipts.setU64(at + RECEIPT.batchIndex, ctx.batchIndex);
  if (outcome === ERROR.OK) receipts.setU64(at + RECEIPT.amount, ctx.amount);
  system.setU64(MACHINE_AT + MACHINE.receiptCount, count + 1);
}
