import { ERROR, FIELD_BYTES, FIRST_OPCODE, OP, RECORD_LAYOUT, SLOT_BYTES } from "../generated/protocol.ts";
import type { RecordFields } from "../generated/protocol.ts";
import { accept } from "./accept.ts";
import { advertise } from "./advertise.ts";
import { chargeFee } from "./balance.ts";
import { channelChallenge } from "./channelChallenge.ts";
import { channelClose } from "./channelClose.ts";
import { channelExport } from "./channelExport.ts";
import { channelFund } from "./channelFund.ts";
import { channelGrant } from "./channelGrant.ts";
import { channelOpen } from "./channelOpen.ts";
import { channelUpdate } from "./channelUpdate.ts";
import { carrySignature } from "./carrySignature.ts";
import { claim } from "./claim.ts";
import { compose } from "./compose.ts";
import type { Context } from "./Context.ts";
import { invoke } from "./invoke.ts";
import { openAccount } from "./openAccount.ts";
import { writeReceipt } from "./receipt.ts";
import { reject } from "./reject.ts";
import { respond } from "./respond.ts";
import { sessionClose } from "./sessionClose.ts";
import { setSessionKey } from "./setSessionKey.ts";
import { timeout } from "./timeout.ts";
import { transfer } from "./transfer.ts";
import { withdraw } from "./withdraw.ts";
import { workflowOpen } from "./workflowOpen.ts";

const WORDS = SLOT_BYTES / 4;

/** Per operation 24 words with the bits that belong to no field, by opcode - FIRST_OPCODE. */
const paddingMasks = createPaddingMasks();

function createPaddingMasks(): Int32Array {
  const names = (Object.keys(RECORD_LAYOUT) as (keyof RecordFields)[]).filter((name) => name !== "HEADER");
  const masks = new Int32Array((OP.SIGNATURE - FIRST_OPCODE + 1) * WORDS);
  for (const name of names) {
    const bytes = new Uint8Array(SLOT_BYTES).fill(255);
    for (const [, type, offset] of RECORD_LAYOUT[name]) bytes.fill(0, offset, offset + FIELD_BYTES[type]);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < WORDS; i += 1) masks[(OP[name] - FIRST_OPCODE) * WORDS + i] = view.getInt32(4 * i);
  }
  return masks;
}

/** every byte that is no field of the record is zero. */
function hasCleanPadding(view: DataView, at: number, op: number): boolean {
  const mask = (op - FIRST_OPCODE) * WORDS;
  for (let i = 0; i < WORDS; i += 1) {
    const bits = paddingMasks[mask + i];
    if (bits !== 0 && (view.getInt32(at + 4 * i) & bits) !== 0) return false;
  }
  return true;
}

function dispatch(ctx: Context, op: number): number {
  switch (op) {
    case OP.INVOKE: return invoke(ctx);
    case OP.RESPOND: return respond(ctx);
    case OP.TRANSFER: return transfer(ctx);
    case OP.OPEN_ACCOUNT: return openAccount(ctx);
    case OP.ACCEPT: return accept(ctx);
    case OP.REJECT: return reject(ctx);
    case OP.TIMEOUT: return timeout(ctx);
    case OP.WORKFLOW_OPEN: return workflowOpen(ctx);
    case OP.COMPOSE: return compose(ctx);
    case OP.CLAIM: return claim(ctx);
    case OP.WITHDRAW: return withdraw(ctx);
    case OP.SET_SESSION_KEY: return setSessionKey(ctx);
    case OP.ADVERTISE: return advertise(ctx);
    case OP.SESSION_CLOSE: return sessionClose(ctx);
    case OP.CHANNEL_OPEN: return channelOpen(ctx);
    case OP.CHANNEL_FUND: return channelFund(ctx);
    case OP.CHANNEL_CLOSE: return channelClose(ctx);
    case OP.CHANNEL_CHALLENGE: return channelChallenge(ctx);
    case OP.CHANNEL_UPDATE: return channelUpdate(ctx);
    case OP.CHANNEL_GRANT: return channelGrant(ctx);
    case OP.CHANNEL_EXPORT: return channelExport(ctx);
    default: return carrySignature(ctx);
  }
}

/** Executes the record at `ctx.at` for the acting agent and writes its receipt (M-8). Returns the outcome. */
export function executeRecord(ctx: Context): number {
  ctx.resetReceipt();
  const op = ctx.view.getUint8(ctx.at);
  ctx.agentAt = ctx.state.agents.touch(ctx.agent);
  let outcome: number = ERROR.E_UNKNOWN_OP;
  if (op >= FIRST_OPCODE && op <= OP.SIGNATURE) {
    outcome = chargeFee(ctx, ctx.fees[op - FIRST_OPCODE]);
    if (outcome === ERROR.OK) outcome = hasCleanPadding(ctx.view, ctx.at, op) ? dispatch(ctx, op) : ERROR.E_MALFORMED;
  }
  writeReceipt(ctx, op, outcome); // RC-1
  return outcome;
}
