import type { EventHandlers } from "./EventHandler.ts";

/** Calls that were shown to be paid, and feedback that they back: ProofOfService. All of it belongs to the agent under one owner. */
export const proofHandlers: Readonly<Record<"proofOfService", EventHandlers>> = {
  proofOfService: {
    async CallProven(client, { args }) {
      const key = [args["agentId"], args["owner"]];
      const seen = await client.query<{ calls: string }>(
        `INSERT INTO proven_clients (agent_id, owner, client, calls) VALUES ($1, $2, $3, 1)
         ON CONFLICT (agent_id, owner, client) DO UPDATE SET calls = proven_clients.calls + 1 RETURNING calls`,
        [...key, args["client"]],
      );
      const isNew = seen.rows[0]?.calls === "1";
      const sql = `INSERT INTO proven (agent_id, owner, calls, clients) VALUES ($1, $2, 1, $3)
        ON CONFLICT (agent_id, owner) DO UPDATE SET calls = proven.calls + 1, clients = proven.clients + $3`;
      await client.query(sql, [...key, isNew ? 1 : 0]);
    },
    /** One feedback of a client counts: a later one takes the place of the former. */
    async FeedbackAttached(client, { args }) {
      const key = [args["agentId"], args["owner"], args["client"]];
      await client.query(
        `UPDATE proven SET weight = proven.weight - coalesce(c.weight, 0) + $4, weighted_score = weighted_score - coalesce(c.weight * c.score, 0) + $4::numeric * $5::numeric
         FROM proven_clients c WHERE proven.agent_id = $1 AND proven.owner = $2 AND c.agent_id = $1 AND c.owner = $2 AND c.client = $3`,
        [...key, args["weight"], args["score"]],
      );
      await client.query("UPDATE proven_clients SET feedback_index = $4, score = $5, weight = $6 WHERE agent_id = $1 AND owner = $2 AND client = $3", [
        ...key, args["feedbackIndex"], args["score"], args["weight"],
      ]);
    },
    async FeedbackDetached(client, { args }) {
      const key = [args["agentId"], args["owner"], args["client"]];
      await client.query(
        `UPDATE proven SET weight = proven.weight - coalesce(c.weight, 0), weighted_score = weighted_score - coalesce(c.weight * c.score, 0)
         FROM proven_clients c WHERE proven.agent_id = $1 AND proven.owner = $2 AND c.agent_id = $1 AND c.owner = $2 AND c.client = $3`,
        key,
      );
      await client.query("UPDATE proven_clients SET feedback_index = NULL, score = NULL, weight = NULL WHERE agent_id = $1 AND owner = $2 AND client = $3", key);
    },
  },
};
