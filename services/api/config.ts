import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, identifier, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the API service. */
export const apiSettings = defineConfig({
  mode: { env: "API_MODE", parser: oneOf("replica"), default: "replica", description: "replica: derives everything from L1 alone" },
  host: { env: "API_HOST", parser: text, default: "127.0.0.1", description: "Address to listen on" },
  port: { env: "API_PORT", parser: port, default: 8081, description: "Port for HTTP and WebSocket; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  dataDir: { env: "API_DATA_DIR", parser: text, default: ".agnt2/api", description: "Folder for what was derived" },
  pollMs: { env: "API_POLL_MS", parser: durationMs, default: 1_000, description: "Pause between two looks at L1" },
  depth: { env: "API_DEPTH", parser: integer(0, 1_000), default: 0, description: "L1 blocks that must stand on a block before it is taken over; 0 follows the head and rolls back when it must" },
  snapshotBatches: { env: "API_SNAPSHOT_BATCHES", parser: integer(1), default: 512, description: "A snapshot after so many batches" },
  sequencerUrl: { env: "SEQUENCER_URL", parser: url("http", "https"), default: undefined, description: "Sequencer whose announced roots are compared with ours; nothing is compared when left out" },
  rateLimit: { env: "API_RATE_LIMIT", parser: integer(0), default: 3_000, description: "Requests that one client address may make in a minute; 0 does not count them" },
  trustedProxies: { env: "API_TRUSTED_PROXIES", parser: integer(0, 10), default: 0, description: "Own proxies in front, whose X-Forwarded-For tells the client's address" },
  maxConnections: { env: "API_MAX_CONNECTIONS", parser: integer(1), default: 4_000, description: "Connections at most; more are closed at once" },
  feedClients: { env: "API_FEED_CLIENTS", parser: integer(1), default: 1_000, description: "Readers of the feed at most" },
  feedClientsPerAddress: { env: "API_FEED_CLIENTS_PER_ADDRESS", parser: integer(1), default: 50, description: "The same for one client address" },
  feedBufferKib: { env: "API_FEED_BUFFER_KIB", parser: integer(1), default: 4_096, description: "A reader of the feed with more than so many KiB waiting is cut off" },
  corsOrigin: { env: "API_CORS_ORIGIN", parser: text, default: "*", description: "Value of Access-Control-Allow-Origin" },
  economy: { env: "API_ECONOMY", parser: flag, default: true, description: "Indexes agents and bounties, on a chain that has registries" },
  databaseUrl: { env: "API_DATABASE_URL", parser: url("postgres", "postgresql"), default: undefined, description: "PostgreSQL for agents and bounties; an embedded one in the data folder when left out", secret: true },
  databaseSchema: { env: "API_DATABASE_SCHEMA", parser: identifier, default: "agnt2_api", description: "Beginning of the schema's name, to which the chain's is added" },
  registryBlock: { env: "API_REGISTRY_BLOCK", parser: integer(0), default: undefined, description: "L1 block from which on agents are indexed, where the registries are older than the chain" },
  ipfsGateway: { env: "API_IPFS_GATEWAY", parser: url("http", "https"), default: undefined, description: "Gateway for registration files on IPFS; they are not fetched when left out" },
  cardsLocal: { env: "API_CARDS_LOCAL", parser: flag, default: false, description: "Fetches registration files over http and from private addresses too: for local chains only" },
  cardFetches: { env: "API_CARD_FETCHES", parser: integer(1, 64), default: 8, description: "Registration files fetched at once" },
  cardTimeoutMs: { env: "API_CARD_TIMEOUT_MS", parser: durationMs, default: 10_000, description: "A registration file must be there within this time" },
  cardRetryMs: { env: "API_CARD_RETRY_MS", parser: durationMs, default: 60_000, description: "Pause after a file could not be fetched; it doubles with each failure" },
  cardRefreshMs: { env: "API_CARD_REFRESH_MS", parser: durationMs, default: 3_600_000, description: "A file from a server is fetched again after this time" },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type ApiConfig = ConfigOf<typeof apiSettings>;

/** Flags win over the environment, that over the file that API_CONFIG names. */
export function loadApiConfig(flags: readonly string[]): ApiConfig {
  return loadConfig(apiSettings, { env: process.env, flags, file: process.env["API_CONFIG"] });
}
