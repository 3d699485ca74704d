import { ERROR, RECORD } from "../generated/protocol.ts";
import { createAccount, isZeroAddress, lowAccount } from "./accounts.ts";
import { spend } from "./balance.ts";
import { SLOT_LIMIT } from "./Context.ts";
import type { Context } from "./Context.ts";
import { getU64 } from "../codec/integers.ts";

const OWNER = RECORD.OPEN_ACCOUNT.owner;
const AMOUNT = RECORD.OPEN_ACCOUNT.amount;

/** OPEN_ACCOUNT: opens an account for another address and funds it. */
export function openAccount(ctx: Context): number {
  const ownerAt = ctx.at + OWNER;
  if (isZeroAddress(ctx.view, ownerAt)) return ERROR.E_ADDRESS; // OA-1
  const low = lowAccount(ctx, ctx.view, ownerAt); // OA-2
  if (ctx.state.directory.isOwner(low, ctx.view, ownerAt)) return ERROR.E_EXISTS;
  if (ctx.agentCount() >= SLOT_LIMIT - 1) return ERROR.E_FULL; // OA-3
  const amount = getU64(ctx.view, ctx.at + AMOUNT);
  const error = spend(ctx, amount); // OA-4
  if (error !== ERROR.OK) return error;
  ctx.slot = createAccount(ctx, low, ctx.view, ownerAt, amount); // OA-5
  ctx.amount = amount;
  return ERROR.OK;
}
