import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import type { RegisteredAgent } from "../../agents/AgentDesk.ts";

/** The registry (ERC-8004) of one L1; `AgentDesk` with its economy is one. */
export interface AgentRegistry {
  /** As registration files name it: `registryId(chainId, address)`. */
  readonly id: string;
  /** @throws ChainError for an id that is not there */
  show(agentId: bigint): Promise<RegisteredAgent>;
}

/** What an agnt2 chain has of an account. */
export interface DirectoryEntry {
  /** Lower case. */
  readonly owner: string;
  /** ERC-8004 id that L1 has tied to it. */
  readonly linkedAgentId: bigint | undefined;
  /** Hex; undefined before ADVERTISE. */
  readonly capabilitiesHash: string | undefined;
  readonly pricesHash: string | undefined;
}

/** The directory of one chain. */
export interface ChainDirectory {
  /** As registration files name it: `chainRef(chainId, settlement)`. */
  readonly chain: string;
  entry(account: number): Promise<DirectoryEntry | undefined>;
}

export interface DiscoveryOptions {
  /** Where requests may go. Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  readonly ipfsGateway?: string | undefined;
  /** For each document. Default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Needed to find an agent by its id; with it, an agent that says that it is registered there is held to it. */
  readonly registry?: AgentRegistry | undefined;
  /** With it, an agent that says that it has an account there is held to what it has advertised. */
  readonly directory?: ChainDirectory | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Unix seconds. Default: now. */
  readonly nowSeconds?: number | undefined;
}
