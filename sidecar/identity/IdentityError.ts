import { TabledError } from "../../runtime/errors/TabledError.ts";
import type { ErrorTable, TabledErrorOptions } from "../../runtime/errors/TabledError.ts";

/** Error codes of the sidecar's first start. */
export type IdentityErrors = {
  "identity/journal": { readonly file: string };
  "identity/other": { readonly file: string; readonly known: string; readonly found: string };
  "identity/key": { readonly file: string };
  "identity/agents": { readonly agentIds: readonly string[] };
  "identity/not-ours": { readonly agentId: string; readonly owner: string };
  "identity/reverted": { readonly step: string; readonly transactionHash: string };
  "identity/waiting": { readonly step: string; readonly seconds: number };
};

const IDENTITY_ERRORS: ErrorTable<IdentityErrors> = {
  "identity/journal": { reaction: "stop", what: "The record of the first start cannot be read", todo: "Restore the data folder from its backup; without one, move the file away: what is on the chains is found again" },
  "identity/other": { reaction: "stop", what: "The data folder belongs to another key or chain", todo: "Name the right key, or another data folder" },
  "identity/key": { reaction: "stop", what: "The keystore or its password file is missing or half of a pair", todo: "Restore both from their backup; a new key is a new agent" },
  "identity/agents": { reaction: "stop", what: "The key owns several agents", todo: "Say which one this is: --agent-id" },
  "identity/not-ours": { reaction: "stop", what: "The agent belongs to somebody else", todo: "Correct --agent-id, or name the key that owns it" },
  "identity/reverted": { reaction: "stop", what: "L1 refused a transaction of the first start", todo: "Look at the transaction; the next start tries again" },
  "identity/waiting": { reaction: "retry", what: "The chain has not taken over a step yet", todo: "See whether sequencer and L1 are up; it is waited for again" },
};

export class IdentityError<K extends keyof IdentityErrors = keyof IdentityErrors> extends TabledError<IdentityErrors, K> {
  constructor(code: K, payload: IdentityErrors[K], options: TabledErrorOptions = {}) {
    super(IDENTITY_ERRORS, code, payload, options);
  }
}
