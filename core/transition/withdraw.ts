import { getU64 } from "../codec/integers.ts";
import { ERROR, RECORD, SIGNER, WITHDRAWAL_CAUSE } from "../generated/protocol.ts";
import { isZeroAddress } from "./accounts.ts";
import { spend } from "./balance.ts";
import type { Context } from "./Context.ts";
import { appendWithdrawal, areWithdrawalsFull } from "./withdrawals.ts";

const R = RECORD.WITHDRAW;

/** WITHDRAW: takes units out of the chain, to be paid by the bridge. */
export function withdraw(ctx: Context): number {
  if (ctx.signer !== SIGNER.OWNER) return ERROR.E_OWNER_ONLY; // WD-1
  const recipientAt = ctx.at + R.recipient;
  if (isZeroAddress(ctx.view, recipientAt)) return ERROR.E_ADDRESS; // WD-2
  const amount = getU64(ctx.view, ctx.at + R.amount);
  if (amount === 0) return ERROR.E_AMOUNT;
  if (areWithdrawalsFull(ctx)) return ERROR.E_FULL; // WD-3
  const error = spend(ctx, amount);
  if (error !== ERROR.OK) return error;
  ctx.id = appendWithdrawal(ctx, ctx.view, recipientAt, amount, ctx.agent, WITHDRAWAL_CAUSE.WITHDRAW);
  ctx.amount = amount;
  return ERROR.OK;
}
