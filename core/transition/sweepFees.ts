import { ERROR, MACHINE, WITHDRAWAL_CAUSE } from "../generated/protocol.ts";
import { isZeroAddress } from "./accounts.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";
import { ACCOUNT_AT } from "./entryLayout.ts";
import { appendWithdrawal, areWithdrawalsFull } from "./withdrawals.ts";

/** SWEEP_FEES: withdraws all fees to an account on L1 (EN-4). */
export function sweepFees(ctx: Context): number {
  if (isZeroAddress(ctx.view, ACCOUNT_AT)) return ERROR.E_ADDRESS;
  const system = ctx.state.system;
  const fees = system.u64(MACHINE_AT + MACHINE.feeBalance);
  if (fees === 0) return ERROR.E_AMOUNT;
  if (areWithdrawalsFull(ctx)) return ERROR.E_FULL;
  appendWithdrawal(ctx, ctx.view, ACCOUNT_AT, fees, 0, WITHDRAWAL_CAUSE.FEES);
  system.setU64(MACHINE_AT + MACHINE.feeBalance, 0);
  ctx.amount = fees;
  return ERROR.OK;
}
