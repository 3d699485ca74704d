import { getU64 } from "../codec/integers.ts";
import { AGENT, AUTH, ERROR, LEAF_BYTES, MACHINE, MAX_BUNDLE_RECORDS, OP, RECORD, SIGNER } from "../generated/protocol.ts";
import type { State } from "../state/State.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";

const R = RECORD.HEADER;

/** M-5: true if the slot at `at` is a header and its records fit the `slotsLeft` slots from it on (itself included). */
export function isHeader(view: DataView, at: number, slotsLeft: number, isForced: boolean): boolean {
  if (view.getUint8(at) !== OP.HEADER) return false;
  const auth = view.getUint8(at + R.auth);
  if (auth > AUTH.L1_SENDER) return false;
  const count = view.getUint16(at + R.count);
  if (count === 0 || count > MAX_BUNDLE_RECORDS || 1 + count > slotsLeft) return false;
  for (let i = 20; i < 32; i += 4) if (view.getUint32(at + i) !== 0) return false;
  if (auth !== AUTH.L1_SENDER) return true;
  if (!isForced) return false;
  for (let i = R.signatureR; i < 96; i += 4) if (view.getUint32(at + i) !== 0) return false;
  return true;
}

/** The fields of a header that the checks H-1 … H-4 need. */
export interface HeaderFields {
  agent: number;
  nonce: number;
  validUntil: number;
  auth: number;
}

/** Reads them from a header slot. */
export function readHeader(view: DataView, at: number, into: HeaderFields): void {
  into.agent = view.getUint32(at + R.agent);
  into.nonce = getU64(view, at + R.nonce);
  into.validUntil = view.getUint32(at + R.validUntil);
  into.auth = view.getUint8(at + R.auth);
}

function hasAddress(bytes: Uint8Array, offset: number, address: Uint8Array): boolean {
  for (let i = 0; i < 20; i += 1) if (bytes[offset + i] !== address[i]) return false;
  return true;
}

/** True if H-1 holds; the other checks read the agent's leaf. */
export function isAgent(state: State, agent: number): boolean {
  return agent >= 1 && agent <= state.system.u32(MACHINE_AT + MACHINE.agentCount);
}

/** H-2: the header's nonce less the agent's next one: above zero for a gap, below for a replay. */
export function nonceDistance(state: State, header: HeaderFields): number {
  return header.nonce - state.agents.u64(header.agent * LEAF_BYTES + AGENT.nonce);
}

/** H-2 and H-3 of an agent that exists. */
export function checkTurn(state: State, l2Time: number, header: HeaderFields): number {
  if (nonceDistance(state, header) !== 0) return ERROR.H_NONCE;
  return l2Time > header.validUntil ? ERROR.H_EXPIRED : ERROR.OK;
}

/** H-4: who signed (a value of SIGNER above NONE), or SIGNER.NONE. `recovered` is the signature's address, null for none. */
export function findSigner(state: State, l2Time: number, header: HeaderFields, recovered: Uint8Array | null): number {
  const agents = state.agents;
  const at = header.agent * LEAF_BYTES;
  if (header.auth === AUTH.L1_SENDER) {
    const sender = state.system.bytes.subarray(MACHINE_AT + MACHINE.forcedSender, MACHINE_AT + MACHINE.forcedSender + 20);
    return hasAddress(agents.bytes, at + AGENT.owner, sender) ? SIGNER.OWNER : SIGNER.NONE;
  }
  if (recovered === null) return SIGNER.NONE;
  if (hasAddress(agents.bytes, at + AGENT.owner, recovered)) return SIGNER.OWNER;
  const isSessionKey = hasAddress(agents.bytes, at + AGENT.sessionKey, recovered) && recovered.some((byte) => byte !== 0);
  return isSessionKey && l2Time <= agents.u32(at + AGENT.sessionExpiry) ? SIGNER.SESSION : SIGNER.NONE;
}

/** The error of H-4 for an auth. */
export function signerError(auth: number): number {
  return auth === AUTH.L1_SENDER ? ERROR.H_L1_SENDER : ERROR.H_SIGNATURE;
}

/** M-7: the checks passed; uses up the nonce and makes the agent the acting one. */
export function admit(ctx: Context, header: HeaderFields, signer: number): void {
  const agents = ctx.state.agents;
  const at = header.agent * LEAF_BYTES;
  agents.setU64(at + AGENT.nonce, header.nonce + 1);
  ctx.agent = header.agent;
  ctx.nonce = header.nonce;
  ctx.signer = signer;
}
