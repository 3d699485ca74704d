import { AGENT, ERROR, MACHINE, MAX_UNITS, SIGNER } from "../generated/protocol.ts";
import { MACHINE_AT } from "./Context.ts";
import type { Context } from "./Context.ts";

/** takes what the acting agent can pay of `fee`. Returns OK or E_FEE. */
export function chargeFee(ctx: Context, fee: number): number {
  if (fee === 0) return ERROR.OK;
  const agents = ctx.state.agents;
  const balanceAt = ctx.agentAt + AGENT.balance;
  const balance = agents.u64(balanceAt);
  let available = balance;
  if (ctx.signer === SIGNER.SESSION) {
    const cap = agents.u64(ctx.agentAt + AGENT.sessionCap);
    if (cap < available) available = cap;
    const taken = fee < available ? fee : available;
    agents.setU64(ctx.agentAt + AGENT.sessionCap, cap - taken);
  }
  const taken = fee < available ? fee : available;
  agents.setU64(balanceAt, balance - taken);
  const system = ctx.state.system;
  system.setU64(MACHINE_AT + MACHINE.feeBalance, system.u64(MACHINE_AT + MACHINE.feeBalance) + taken);
  return taken < fee ? ERROR.E_FEE : ERROR.OK;
}

/** takes `amount` from the acting agent, as the last check of an operation. */
export function spend(ctx: Context, amount: number): number {
  const agents = ctx.state.agents;
  const balanceAt = ctx.agentAt + AGENT.balance;
  const balance = agents.u64(balanceAt);
  if (amount > balance) return ERROR.E_BALANCE;
  if (ctx.signer === SIGNER.SESSION) {
    const capAt = ctx.agentAt + AGENT.sessionCap;
    const cap = agents.u64(capAt);
    if (amount > cap) return ERROR.E_SESSION_CAP;
    agents.setU64(capAt, cap - amount);
  }
  agents.setU64(balanceAt, balance - amount);
  return ERROR.OK;
}

/** adds `amount` to the balance of the agent whose leaf stands at `at`. */
export function credit(ctx: Context, at: number, amount: number): void {
  const agents = ctx.state.agents;
  agents.setU64(at + AGENT.balance, agents.u64(at + AGENT.balance) + amount);
}

/** credits a provider for a served call and counts it. */
export function pay(ctx: Context, at: number, amount: number): void {
  const agents = ctx.state.agents;
  agents.setU64(at + AGENT.balance, agents.u64(at + AGENT.balance) + amount);
  agents.setU64(at + AGENT.earned, saturatingSum(agents.u64(at + AGENT.earned), amount));
  agents.increment(at + AGENT.served);
}

/** Sum of two amounts of units, at most MAX_UNITS. */
export function saturatingSum(a: number, b: number): number {
  return b > MAX_UNITS - a ? MAX_UNITS : a + b;
}
