import { copyWords } from "../codec/integers.ts";
import { DEPTH, MACHINE, WITHDRAWAL } from "../generated/protocol.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";

const WITHDRAWAL_LIMIT = 4 ** DEPTH.WITHDRAWAL;

/** WD-3: true when no withdrawal can be appended. */
export function areWithdrawalsFull(ctx: Context): boolean {
  return ctx.state.system.u64(MACHINE_AT + MACHINE.withdrawalCount) >= WITHDRAWAL_LIMIT;
}

/** WD-3: appends a withdrawal to the 20 bytes at `recipientAt`; returns its index. */
export function appendWithdrawal(ctx: Context, view: DataView, recipientAt: number, amount: number, agent: number, cause: number): number {
  const { system, withdrawals } = ctx.state;
  const index = system.u64(MACHINE_AT + MACHINE.withdrawalCount);
  const at = withdrawals.touch(index);
  copyWords(view, recipientAt, withdrawals.view, at + WITHDRAWAL.recipient, 5);
  withdrawals.setU64(at + WITHDRAWAL.amount, amount);
  withdrawals.setU32(at + WITHDRAWAL.l2Time, ctx.l2Time);
  withdrawals.setU32(at + WITHDRAWAL.agent, agent);
  withdrawals.setU64(at + WITHDRAWAL.batchIndex, ctx.batchIndex);
  withdrawals.setU8(at + WITHDRAWAL.cause, cause);
  system.setU64(MACHINE_AT + MACHINE.withdrawalCount, index + 1);
  return index;
}
