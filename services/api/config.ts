import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
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
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type ApiConfig = ConfigOf<typeof apiSettings>;

/** Flags win over the environment, that over the file that API_CONFIG names. */
export function loadApiConfig(flags: readonly string[]): ApiConfig {
  return loadConfig(apiSettings, { env: process.env, flags, file: process.env["API_CONFIG"] });
}
