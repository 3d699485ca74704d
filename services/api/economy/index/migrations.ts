/**
 * Tables that follow L1. Every change of theirs is noted in `undo` with its block, by a trigger, so that a reorganisation takes back exactly
 * what came from lost blocks, whatever the code that folds events did. Numbers of contracts are `numeric`, addresses and hashes text in lower case,
 * times unix seconds.
 */
const CHAIN_TABLES = `
CREATE TABLE cursors (block_number bigint PRIMARY KEY, block_hash text NOT NULL);

CREATE TABLE undo (seq bigserial PRIMARY KEY, block_number bigint NOT NULL, relation text NOT NULL, keys text[] NOT NULL, before jsonb, after jsonb);
CREATE INDEX undo_block ON undo (block_number);

CREATE TABLE agents (
  agent_id numeric(78) PRIMARY KEY, owner text NOT NULL, wallet text, uri text, uri_hash text, uri_length integer NOT NULL DEFAULT 0,
  feedback_count integer NOT NULL DEFAULT 0, revoked_count integer NOT NULL DEFAULT 0,
  block_number bigint NOT NULL, registered_at bigint NOT NULL
);
CREATE INDEX agents_owner ON agents (owner);
CREATE TABLE agent_metadata (agent_id numeric(78), name text, value bytea NOT NULL, length integer NOT NULL, PRIMARY KEY (agent_id, name));

CREATE TABLE feedback (
  agent_id numeric(78), client text, feedback_index numeric(20), value numeric NOT NULL, decimals smallint NOT NULL, tag1 text NOT NULL, tag2 text NOT NULL,
  endpoint text NOT NULL, uri text NOT NULL, hash text NOT NULL, is_revoked boolean NOT NULL DEFAULT false,
  responses integer NOT NULL DEFAULT 0, block_number bigint NOT NULL, log_index integer NOT NULL, given_at bigint NOT NULL, transaction_hash text NOT NULL,
  PRIMARY KEY (agent_id, client, feedback_index)
);
CREATE UNIQUE INDEX feedback_order ON feedback (agent_id, block_number, log_index);
CREATE TABLE feedback_responses (
  block_number bigint, log_index integer, agent_id numeric(78) NOT NULL, client text NOT NULL, feedback_index numeric(20) NOT NULL, responder text NOT NULL,
  uri text NOT NULL, hash text NOT NULL, given_at bigint NOT NULL, PRIMARY KEY (block_number, log_index)
);
CREATE INDEX feedback_responses_of ON feedback_responses (agent_id, client, feedback_index);

CREATE TABLE validations (
  request_hash text PRIMARY KEY, agent_id numeric(78) NOT NULL, validator text NOT NULL, request_uri text NOT NULL, requested_at bigint NOT NULL,
  response smallint, response_uri text, response_hash text, tag text, responded_at bigint
);
CREATE INDEX validations_agent ON validations (agent_id, requested_at);

CREATE TABLE proven (
  agent_id numeric(78), owner text, calls numeric(20) NOT NULL DEFAULT 0, clients numeric(20) NOT NULL DEFAULT 0, weight numeric(20) NOT NULL DEFAULT 0,
  weighted_score numeric(39) NOT NULL DEFAULT 0, PRIMARY KEY (agent_id, owner)
);
CREATE INDEX proven_calls ON proven (calls);
CREATE TABLE proven_clients (
  agent_id numeric(78), owner text, client text, calls numeric(20) NOT NULL, feedback_index numeric(20), score smallint, weight numeric(20), PRIMARY KEY (agent_id, owner, client)
);

CREATE TABLE jobs (
  job_id numeric(78) PRIMARY KEY, client text NOT NULL, provider text NOT NULL, provider_agent_id numeric(78), evaluator text NOT NULL, hook text NOT NULL,
  expired_at numeric(78) NOT NULL, status text NOT NULL, token text, budget numeric(78), terms jsonb, deliverable text, deadline bigint, dispute jsonb,
  paid numeric(78) NOT NULL DEFAULT 0, refunded numeric(78) NOT NULL DEFAULT 0, created_at bigint NOT NULL, changed_at bigint NOT NULL
);
CREATE INDEX jobs_client ON jobs (client);
CREATE INDEX jobs_provider ON jobs (provider);

CREATE TABLE bounties (
  bounty_id numeric(78) PRIMARY KEY, poster text NOT NULL, role smallint NOT NULL, kind smallint NOT NULL, token text NOT NULL, terms jsonb NOT NULL,
  intent_uri text NOT NULL, intent_hash text NOT NULL, spec_uri text NOT NULL, spec_hash text NOT NULL,
  stage smallint NOT NULL, round smallint NOT NULL DEFAULT 0, part smallint NOT NULL DEFAULT 0, clock bigint NOT NULL,
  pool numeric(78) NOT NULL DEFAULT 0, remainder numeric(78) NOT NULL DEFAULT 0, contributed numeric(78) NOT NULL DEFAULT 0, paid numeric(78) NOT NULL DEFAULT 0,
  worker text, agent_id numeric(78), price numeric(78), job_id numeric(78), paid_units numeric(78) NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0, posted_at bigint NOT NULL
);
CREATE INDEX bounties_stage ON bounties (stage, bounty_id);
CREATE TABLE contributions (bounty_id numeric(78), funder text, amount numeric(78) NOT NULL, era bigint NOT NULL, shares numeric(78) NOT NULL, refunded numeric(78) NOT NULL DEFAULT 0, PRIMARY KEY (bounty_id, funder));
CREATE TABLE bids (
  bounty_id numeric(78), bidder text, status text NOT NULL, round smallint NOT NULL, agent_id numeric(78), price numeric(78), commitment text, changed_at bigint NOT NULL,
  PRIMARY KEY (bounty_id, bidder)
);
CREATE TABLE bounty_jobs (bounty_id numeric(78), job_id numeric(78), part smallint NOT NULL, budget numeric(78) NOT NULL, is_completed boolean, PRIMARY KEY (bounty_id, job_id));
CREATE TABLE bounty_events (
  block_number bigint, log_index integer, bounty_id numeric(78) NOT NULL, name text NOT NULL, args jsonb NOT NULL, happened_at bigint NOT NULL, transaction_hash text NOT NULL,
  PRIMARY KEY (block_number, log_index)
);
CREATE INDEX bounty_events_of ON bounty_events (bounty_id, block_number, log_index);

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  block text := current_setting('agnt2.block', true);
BEGIN
  IF coalesce(block, '') <> '' THEN
    INSERT INTO undo (block_number, relation, keys, before, after) VALUES (
      block::bigint, TG_TABLE_NAME, TG_ARGV,
      CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END, CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END
    );
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION roll_back(target bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  change record;
  matches text;
BEGIN
  PERFORM set_config('agnt2.block', '', true);
  FOR change IN SELECT * FROM undo WHERE block_number > target ORDER BY seq DESC LOOP
    IF change.after IS NOT NULL THEN
      SELECT string_agg(format('%1$I = (jsonb_populate_record(NULL::%2$I, $1)).%1$I', key, change.relation), ' AND ') INTO matches FROM unnest(change.keys) AS key;
      EXECUTE format('DELETE FROM %I WHERE %s', change.relation, matches) USING change.after;
    END IF;
    IF change.before IS NOT NULL THEN
      EXECUTE format('INSERT INTO %1$I SELECT * FROM jsonb_populate_record(NULL::%1$I, $1)', change.relation) USING change.before;
    END IF;
  END LOOP;
  DELETE FROM undo WHERE block_number > target;
  DELETE FROM cursors WHERE block_number > target;
END $$;
`;

/** The tables whose changes can be taken back, with their keys. */
export const UNDOABLE: Readonly<Record<string, readonly string[]>> = {
  agents: ["agent_id"],
  agent_metadata: ["agent_id", "name"],
  feedback: ["agent_id", "client", "feedback_index"],
  feedback_responses: ["block_number", "log_index"],
  validations: ["request_hash"],
  proven: ["agent_id", "owner"],
  proven_clients: ["agent_id", "owner", "client"],
  jobs: ["job_id"],
  bounties: ["bounty_id"],
  contributions: ["bounty_id", "funder"],
  bids: ["bounty_id", "bidder"],
  bounty_jobs: ["bounty_id", "job_id"],
  bounty_events: ["block_number", "log_index"],
};

const TRIGGERS = Object.entries(UNDOABLE)
  .map(([table, keys]) => `CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION note_change(${keys.map((key) => `'${key}'`).join(", ")});`)
  .join("\n");

/**
 * What was fetched for agents. It follows no block: a row counts only while its `uri_hash` is the one of the agent's present URI.
 */
const CARD_TABLES = `
CREATE TABLE cards (
  agent_id numeric(78) PRIMARY KEY, uri_hash text NOT NULL, status text NOT NULL, code text, problem text, attempts integer NOT NULL, fetched_at bigint NOT NULL,
  next_try_ms bigint NOT NULL, file jsonb, is_active boolean, words tsvector
);
CREATE INDEX cards_next ON cards (next_try_ms);
CREATE INDEX cards_words ON cards USING gin (words);
CREATE TABLE card_capabilities (agent_id numeric(78), capability bigint, name text NOT NULL, units bigint, PRIMARY KEY (agent_id, capability));
CREATE INDEX card_capabilities_id ON card_capabilities (capability, units);
CREATE INDEX card_capabilities_name ON card_capabilities (lower(name), units);
`;

/** Entries are only ever appended. */
export const ECONOMY_MIGRATIONS: readonly string[] = [`${CHAIN_TABLES}\n${TRIGGERS}\n${CARD_TABLES}`];
