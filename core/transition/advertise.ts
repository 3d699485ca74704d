import { copyWords } from "../codec/integers.ts";
import { DIRECTORY, ERROR, RECORD } from "../generated/protocol.ts";
import type { Context } from "./Context.ts";

const R = RECORD.ADVERTISE;

/** ADVERTISE: says what the agent can do and at which prices, by hash. */
export function advertise(ctx: Context): number {
  const entries = ctx.state.entries;
  const at = entries.touch(ctx.agent); // AD-1
  copyWords(ctx.view, ctx.at + R.capabilitiesHash, entries.view, at + DIRECTORY.capabilitiesHash, 8);
  copyWords(ctx.view, ctx.at + R.pricesHash, entries.view, at + DIRECTORY.pricesHash, 8);
  return ERROR.OK;
}
