import { copyWords } from "../codec/integers.ts";
import { ERROR, RECORD } from "../generated/protocol.ts";
import type { Context } from "./Context.ts";

/** Where r and vs stand in what is carried. */
const SIGNATURE_AT = 32;

/** SIGNATURE: brings a signature for the records after it in the bundle. */
export function carrySignature(ctx: Context): number {
  const { buffer } = ctx.carried;
  copyWords(ctx.view, ctx.at + RECORD.SIGNATURE.signatureR, new DataView(buffer), SIGNATURE_AT, 16); // SG-1
  return ERROR.OK;
}
