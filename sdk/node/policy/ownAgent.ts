import type { AgentDesk } from "../../agents/AgentDesk.ts";
import type { Policy } from "./policySchema.ts";
import type { PolicyStore } from "./PolicyStore.ts";

/**
 * The agent that acts: the one that the policy names, one that the account owns already, or a new one. Its registration file
 * is brought to what the policy says. May be called again after a crash at any point.
 */
export async function ensureAgent(desk: AgentDesk, account: string, policy: Policy["agent"], store: PolicyStore): Promise<{ readonly agentId: bigint; readonly isNew: boolean }> {
  const known = policy.id ?? store.memory.agentId;
  let agentId = known === undefined ? (await desk.registeredBy(account))[0] : BigInt(known);
  const isNew = agentId === undefined;
  if (agentId === undefined) ({ agentId } = await desk.register());
  if (store.memory.agentId !== String(agentId)) await store.remember({ agentId: String(agentId) });
  // An agent that is named may have a file of its own.
  if (policy.id !== undefined) return { agentId, isNew };
  const services = policy.services.map(({ name, endpoint }) => ({ name, endpoint, version: undefined }));
  const uri = desk.uriOf({ name: policy.name, description: policy.description, services }, agentId);
  if ((await desk.show(agentId)).uri !== uri) await desk.setUri(agentId, uri);
  return { agentId, isNew };
}
