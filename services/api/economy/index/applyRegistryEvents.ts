import type { ClientBase } from "pg";

import type { EconomyEvent } from "./EconomyEvent.ts";
import { textOf } from "./EventHandler.ts";
import type { EventHandlers } from "./EventHandler.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const WALLET_KEY = "agentWallet";
/** A registration file of 256 KiB in base64, and more than a transaction can usually carry. A longer URI is no URI. */
const MAX_URI = 400_000;
const MAX_LINK = 2_048;
const MAX_TAG = 256;
const MAX_KEY = 256;
/** Bytes kept of a metadata value. */
const MAX_VALUE = 4_096;

async function setUri(client: ClientBase, { args }: EconomyEvent, uri: string): Promise<void> {
  const kept = uri === "" || uri.length > MAX_URI ? null : uri;
  await client.query("UPDATE agents SET uri = $2, uri_hash = md5($2), uri_length = $3 WHERE agent_id = $1", [args["agentId"], kept, uri.length]);
}

/** Agents, what clients and validators say of them: ERC-8004. */
export const registryHandlers: Readonly<Record<"identityRegistry" | "reputationRegistry" | "validationRegistry", EventHandlers>> = {
  identityRegistry: {
    /** Minting too. The wallet agreed to one owner: it goes with it. */
    async Transfer(client, { args, blockNumber, timestamp }) {
      const isNew = args["from"] === ZERO_ADDRESS;
      const sql = `INSERT INTO agents (agent_id, owner, wallet, block_number, registered_at) VALUES ($1, $2, NULL, $3, $4)
        ON CONFLICT (agent_id) DO UPDATE SET owner = excluded.owner, wallet = CASE WHEN $5 THEN agents.wallet ELSE NULL END`;
      await client.query(sql, [args["tokenId"], args["to"], blockNumber, timestamp, isNew]);
    },
    async Registered(client, event) {
      const { args, blockNumber, timestamp } = event;
      const sql = `INSERT INTO agents (agent_id, owner, block_number, registered_at) VALUES ($1, $2, $3, $4) ON CONFLICT (agent_id) DO UPDATE SET owner = excluded.owner`;
      await client.query(sql, [args["agentId"], args["owner"], blockNumber, timestamp]);
      await setUri(client, event, String(args["agentURI"]));
    },
    URIUpdated: (client, event) => setUri(client, event, String(event.args["newURI"])),
    async MetadataSet(client, { args }) {
      const agentId = args["agentId"];
      const name = String(args["metadataKey"]);
      const bytes = Buffer.from(String(args["metadataValue"]).slice(2), "hex");
      if (name === WALLET_KEY) {
        const wallet = `0x${bytes.toString("hex")}`;
        await client.query("UPDATE agents SET wallet = $2 WHERE agent_id = $1", [agentId, bytes.length === 20 && wallet !== ZERO_ADDRESS ? wallet : null]);
        return;
      }
      // An index has no room for longer keys, and nobody a use.
      if (name.length > MAX_KEY) return;
      const sql = `INSERT INTO agent_metadata (agent_id, name, value, length) VALUES ($1, $2, $3, $4)
        ON CONFLICT (agent_id, name) DO UPDATE SET value = excluded.value, length = excluded.length`;
      await client.query(sql, [agentId, name, bytes.subarray(0, MAX_VALUE), bytes.length]);
    },
  },
  reputationRegistry: {
    async NewFeedback(client, { args, blockNumber, logIndex, timestamp, transactionHash }) {
      const sql = `INSERT INTO feedback (agent_id, client, feedback_index, value, decimals, tag1, tag2, endpoint, uri, hash, block_number, log_index, given_at, transaction_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`;
      const texts = [textOf(args["tag1"], MAX_TAG), textOf(args["tag2"], MAX_TAG), textOf(args["endpoint"], MAX_LINK), textOf(args["feedbackURI"], MAX_LINK)];
      await client.query(sql, [args["agentId"], args["clientAddress"], args["feedbackIndex"], args["value"], args["valueDecimals"], ...texts, args["feedbackHash"], blockNumber, logIndex, timestamp, transactionHash]);
      await client.query("UPDATE agents SET feedback_count = feedback_count + 1 WHERE agent_id = $1", [args["agentId"]]);
    },
    async FeedbackRevoked(client, { args }) {
      const key = [args["agentId"], args["clientAddress"], args["feedbackIndex"]];
      const { rowCount } = await client.query("UPDATE feedback SET is_revoked = true WHERE agent_id = $1 AND client = $2 AND feedback_index = $3 AND NOT is_revoked", key);
      if (rowCount === 1) await client.query("UPDATE agents SET revoked_count = revoked_count + 1 WHERE agent_id = $1", [args["agentId"]]);
    },
    async ResponseAppended(client, { args, blockNumber, logIndex, timestamp }) {
      const sql = "INSERT INTO feedback_responses (block_number, log_index, agent_id, client, feedback_index, responder, uri, hash, given_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
      const key = [args["agentId"], args["clientAddress"], args["feedbackIndex"]];
      await client.query(sql, [blockNumber, logIndex, ...key, args["responder"], textOf(args["responseURI"], MAX_LINK), args["responseHash"], timestamp]);
      await client.query("UPDATE feedback SET responses = responses + 1 WHERE agent_id = $1 AND client = $2 AND feedback_index = $3", key);
    },
  },
  validationRegistry: {
    async ValidationRequest(client, { args, timestamp }) {
      const sql = "INSERT INTO validations (request_hash, agent_id, validator, request_uri, requested_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request_hash) DO NOTHING";
      await client.query(sql, [args["requestHash"], args["agentId"], args["validatorAddress"], textOf(args["requestURI"], MAX_LINK), timestamp]);
    },
    async ValidationResponse(client, { args, timestamp }) {
      const sql = "UPDATE validations SET response = $2, response_uri = $3, response_hash = $4, tag = $5, responded_at = $6 WHERE request_hash = $1";
      await client.query(sql, [args["requestHash"], args["response"], textOf(args["responseURI"], MAX_LINK), args["responseHash"], textOf(args["tag"], MAX_TAG), timestamp]);
    },
  },
};
