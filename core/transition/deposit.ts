import { ERROR, MACHINE, WITHDRAWAL_CAUSE } from "../generated/protocol.ts";
import { createAccount, isZeroAddress, lowAccount } from "./accounts.ts";
import { credit } from "./balance.ts";
import { MACHINE_AT, SLOT_LIMIT } from "./Context.ts";
import type { Context } from "./Context.ts";
import { ACCOUNT_AT, SENDER_AT } from "./entryLayout.ts";
import { appendWithdrawal, areWithdrawalsFull } from "./withdrawals.ts";

/** DEPOSIT: credits the account of an address, which is opened if it is new (EN-1). */
export function deposit(ctx: Context, value: number): number {
  if (value === 0) return ERROR.E_AMOUNT;
  if (isZeroAddress(ctx.view, ACCOUNT_AT)) return bounce(ctx, value, ERROR.E_ADDRESS);
  const low = lowAccount(ctx, ctx.view, ACCOUNT_AT);
  if (ctx.state.directory.isOwner(low, ctx.view, ACCOUNT_AT)) {
    credit(ctx, ctx.state.agents.touch(low), value);
    ctx.agent = low;
  } else if (ctx.agentCount() >= SLOT_LIMIT - 1) {
    return bounce(ctx, value, ERROR.E_FULL);
  } else {
    ctx.agent = createAccount(ctx, low, ctx.view, ACCOUNT_AT, value);
  }
  ctx.amount = value;
  return ERROR.OK;
}

/** EN-2: sends the money back, or keeps it as a fee where that is impossible. */
function bounce(ctx: Context, value: number, error: number): number {
  if (isZeroAddress(ctx.view, SENDER_AT) || areWithdrawalsFull(ctx)) {
    const system = ctx.state.system;
    system.setU64(MACHINE_AT + MACHINE.feeBalance, system.u64(MACHINE_AT + MACHINE.feeBalance) + value);
  } else {
    appendWithdrawal(ctx, ctx.view, SENDER_AT, value, 0, WITHDRAWAL_CAUSE.BOUNCED_DEPOSIT);
  }
  return error;
}
