import { copyWords } from "../codec/integers.ts";
import { AGENT, DIRECTORY, MACHINE } from "../generated/protocol.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";

/** True if the 20 bytes at `offset` are zero. */
export function isZeroAddress(view: DataView, offset: number): boolean {
  for (let i = 0; i < 20; i += 4) if (view.getUint32(offset + i) !== 0) return false;
  return true;
}

/** OA-2: touches and returns the low leaf of the address at `offset`. */
export function lowAccount(ctx: Context, view: DataView, offset: number): number {
  const low = ctx.state.directory.low(view, offset);
  ctx.state.entries.touch(low);
  return low;
}

/** OA-5: the next account, linked in after `low`. Returns its index. */
export function createAccount(ctx: Context, low: number, address: DataView, offset: number, balance: number): number {
  const { state } = ctx;
  const index = ctx.agentCount() + 1;
  const lowAt = state.entries.touch(low);
  const entryAt = state.entries.touch(index);
  const view = state.entries.view;
  view.setUint32(entryAt + DIRECTORY.nextIndex, view.getUint32(lowAt + DIRECTORY.nextIndex));
  copyWords(view, lowAt + DIRECTORY.nextOwner, view, entryAt + DIRECTORY.nextOwner, 5);
  copyWords(address, offset, view, entryAt + DIRECTORY.owner, 5);
  view.setUint32(lowAt + DIRECTORY.nextIndex, index);
  copyWords(address, offset, view, lowAt + DIRECTORY.nextOwner, 5);
  const agentAt = state.agents.touch(index);
  copyWords(address, offset, state.agents.view, agentAt + AGENT.owner, 5);
  state.agents.setU64(agentAt + AGENT.balance, balance);
  state.system.setU32(MACHINE_AT + MACHINE.agentCount, index);
  state.directory.insert(index, address, offset);
  return index;
}
