import { toHex } from "../codec/hex.ts";
import { AGENT, CHANNEL, INVOCATION, INVOCATION_STATUS, KIND, LEAF_BYTES, MACHINE, SYSTEM_LEAF, WITHDRAWAL, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import type { LeafStore } from "../state/LeafStore.ts";
import type { State } from "../state/State.ts";
import { getU64 } from "../codec/integers.ts";
import type { Exit, ExitReason, LeafPlace } from "./Exit.ts";

const ADDRESS_BYTES = 20;

/** Byte offset of a leaf in its store. */
function at(index: number): number {
  return index * LEAF_BYTES;
}

function ownerOf(state: State, agent: number): string {
  const from = at(agent) + AGENT.owner;
  return toHex(state.agents.bytes.subarray(from, from + ADDRESS_BYTES));
}

function agentPlace(agent: number): LeafPlace {
  return { kind: KIND.AGENT, index: agent };
}

/** Whether the steps of a workflow are paid (CO-3): it succeeded, or would if it were settled now. */
function isWon(workflows: LeafStore, slot: number): boolean {
  const offset = at(slot);
  const status = workflows.u8(offset + WORKFLOW.status);
  if (status !== WORKFLOW_STATUS.OPEN) return status === WORKFLOW_STATUS.SUCCEEDED;
  return workflows.u32(offset + WORKFLOW.answered) === workflows.u32(offset + WORKFLOW.expected);
}

function exitOfCall(state: State, index: number): Exit | undefined {
  const { invocations, workflows } = state;
  const offset = at(index);
  const units = invocations.u64(offset + INVOCATION.price);
  if (invocations.u64(offset + INVOCATION.id) === 0 || units === 0) return undefined;
  const isStep = invocations.u64(offset + INVOCATION.workflowId) !== 0;
  const slot = invocations.u32(offset + INVOCATION.workflowSlot);
  const isForProvider = isStep ? isWon(workflows, slot) : invocations.u8(offset + INVOCATION.status) === INVOCATION_STATUS.ANSWERED;
  const reason: ExitReason = isStep ? (isForProvider ? "wonStep" : "lostStep") : isForProvider ? "answeredCall" : "unansweredCall";
  const agent = invocations.u32(offset + (isForProvider ? INVOCATION.provider : INVOCATION.requester));
  const workflow = isStep ? [{ kind: KIND.WORKFLOW, index: slot }] : [];
  return { kind: KIND.INVOCATION, index, reason, to: ownerOf(state, agent), units, context: [...workflow, agentPlace(agent)] };
}

function exitOfWorkflow(state: State, index: number): Exit | undefined {
  const { workflows } = state;
  const offset = at(index);
  const units = workflows.u64(offset + WORKFLOW.escrow);
  // Only an OPEN one has any left: COMPOSE gives the rest back.
  if (units === 0) return undefined;
  const owner = workflows.u32(offset + WORKFLOW.owner);
  return { kind: KIND.WORKFLOW, index, reason: "openWorkflow", to: ownerOf(state, owner), units, context: [agentPlace(owner)] };
}

/** A channel goes on at the adjudicator, whatever its status: its sides' shares are not known here. */
function exitOfChannel({ channels }: State, index: number, adjudicator: string): Exit | undefined {
  const offset = at(index);
  const units = channels.u64(offset + CHANNEL.depositA) + channels.u64(offset + CHANNEL.depositB);
  if (channels.u64(offset + CHANNEL.id) === 0 || units === 0) return undefined;
  const context = [agentPlace(channels.u32(offset + CHANNEL.a)), agentPlace(channels.u32(offset + CHANNEL.b))];
  return { kind: KIND.CHANNEL, index, reason: "channel", to: adjudicator, units, context };
}

/**
 * Everything that a state owes, each leaf once: what `Exodus.payLeaf` pays when it is the last confirmed one. Together with the
 * deposits that it does not know, and less the withdrawals that are paid already, it is what the Bridge holds.
 * @param withdrawals all WITHDRAWAL leaves, which a state hands over: leaf i is withdrawal i
 * @param feeRecipient L1 address, lower case, that the chain was created with
 * @param adjudicator the chain's ChannelAdjudicator, likewise
 */
export function listExits(state: State, withdrawals: readonly Uint8Array[], feeRecipient: string, adjudicator: string): Exit[] {
  const exits: Exit[] = [];
  for (let index = 1; index < state.agents.count; index += 1) {
    const units = state.agents.u64(at(index) + AGENT.balance);
    if (units > 0) exits.push({ kind: KIND.AGENT, index, reason: "balance", to: ownerOf(state, index), units, context: [] });
  }
  for (let index = 0; index < state.invocations.count; index += 1) {
    const exit = exitOfCall(state, index);
    if (exit !== undefined) exits.push(exit);
  }
  for (let index = 0; index < state.workflows.count; index += 1) {
    const exit = exitOfWorkflow(state, index);
    if (exit !== undefined) exits.push(exit);
  }
  for (let index = 0; index < state.channels.count; index += 1) {
    const exit = exitOfChannel(state, index, adjudicator);
    if (exit !== undefined) exits.push(exit);
  }
  const fees = state.system.u64(at(SYSTEM_LEAF.MACHINE) + MACHINE.feeBalance);
  if (fees > 0) exits.push({ kind: KIND.SYSTEM, index: SYSTEM_LEAF.MACHINE, reason: "fees", to: feeRecipient, units: fees, context: [] });
  for (const [index, leaf] of withdrawals.entries()) {
    const units = getU64(new DataView(leaf.buffer, leaf.byteOffset, LEAF_BYTES), WITHDRAWAL.amount);
    const recipient = toHex(leaf.subarray(WITHDRAWAL.recipient, WITHDRAWAL.recipient + ADDRESS_BYTES));
    exits.push({ kind: KIND.WITHDRAWAL, index, reason: "withdrawal", to: recipient, units, context: [] });
  }
  return exits;
}
