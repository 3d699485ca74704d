/** What the indexer is told by the configuration. */
export interface EconomyConfig {
  /** `postgres://…`; the embedded PostgreSQL when left out. */
  readonly databaseUrl: string | undefined;
  /** Beginning of the schema's name. */
  readonly databaseSchema: string;
  /** Folder of the API; the embedded server's is in it. */
  readonly dataDir: string;
  /** First block of the registries, when they are older than the chain. */
  readonly registryBlock: number | undefined;
  readonly ipfsGateway: string | undefined;
  /** Registration files over http and from private addresses too. */
  readonly cardsLocal: boolean;
  readonly cardFetches: number;
  readonly cardTimeoutMs: number;
  readonly cardRetryMs: number;
  readonly cardRefreshMs: number;
  readonly pollMs: number;
  readonly depth: number;
}
