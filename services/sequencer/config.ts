import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the sequencer. */
export const sequencerSettings = defineConfig({
  host: { env: "SEQUENCER_HOST", parser: text, default: "127.0.0.1", description: "Address to listen on" },
  port: { env: "SEQUENCER_PORT", parser: port, default: 7200, description: "Port for HTTP and WebSocket; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  dataDir: { env: "SEQUENCER_DATA_DIR", parser: text, default: ".agnt2/sequencer", description: "Folder for log, snapshots and node files" },
  queueUrl: { env: "QUEUE_URL", parser: url("redis", "rediss", "postgres", "postgresql"), default: undefined, description: "Redis or PostgreSQL for wake-ups; an embedded PostgreSQL when left out", secret: true },
  posting: { env: "SEQUENCER_POSTING", parser: flag, default: true, description: "Post batches to L1" },
  claiming: { env: "SEQUENCER_CLAIMING", parser: flag, default: true, description: "Claim and confirm epochs" },
  claimMover: { env: "SEQUENCER_CLAIM_MOVER", parser: hex(20), default: undefined, description: "Address of a challenger that may play for the sequencer's claims, besides the sequencer's own key" },
  adopt: { env: "SEQUENCER_ADOPT", parser: flag, default: false, description: "With an empty data folder, go on with the chain as L1 has it: for whoever takes a chain over" },
  depth: { env: "SEQUENCER_DEPTH", parser: integer(0, 1_000), default: undefined, description: "L1 blocks on top of an entry before it is executed; 64, on the local chain 0" },
  pollMs: { env: "SEQUENCER_POLL_MS", parser: durationMs, default: 500, description: "Pause between two looks at L1" },
  batchSlots: { env: "SEQUENCER_BATCH_SLOTS", parser: integer(514, 4096), default: 1360, description: "Slots of a batch at most; 1360 stay below the 128 KiB that public nodes take as one transaction, 4096 below L1's gas cap" },
  batchMs: { env: "SEQUENCER_BATCH_MS", parser: durationMs, default: 500, description: "A batch ends after so long at the latest" },
  signatureWorkers: { env: "SEQUENCER_SIGNATURE_WORKERS", parser: integer(1, 64), default: undefined, description: "Threads that check signatures; one a core and at most four when left out" },
  maxConnections: { env: "SEQUENCER_MAX_CONNECTIONS", parser: integer(1), default: 4_096, description: "HTTP and WebSocket connections at most" },
  maxConnectionsPerAddress: { env: "SEQUENCER_MAX_CONNECTIONS_PER_ADDRESS", parser: integer(1), default: 1_024, description: "The same for one address; raise it behind a proxy" },
  maxQueue: { env: "SEQUENCER_MAX_QUEUE", parser: integer(1), default: 20_000, description: "Bundles between intake and execution at most" },
  maxQueuePerClient: { env: "SEQUENCER_MAX_QUEUE_PER_CLIENT", parser: integer(1), default: 5_000, description: "The same for one connection" },
  maxParked: { env: "SEQUENCER_MAX_PARKED", parser: integer(0), default: 4_096, description: "Bundles that wait for others at most" },
  maxParkedPerAgent: { env: "SEQUENCER_MAX_PARKED_PER_AGENT", parser: integer(0), default: 64, description: "The same for one account" },
  parkMs: { env: "SEQUENCER_PARK_MS", parser: durationMs, default: 5_000, description: "How long a bundle waits for others at most" },
  snapshotLogMib: { env: "SEQUENCER_SNAPSHOT_LOG_MIB", parser: integer(1), default: 2_048, description: "A snapshot is written after so many MiB of log; a restart plays at most about as much again" },
  keystoreFile: { env: "SEQUENCER_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore of the sequencer's key" },
  passwordFile: { env: "SEQUENCER_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password" },
  signerUrl: { env: "SEQUENCER_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (JSON-RPC: eth_signTypedData_v4, eth_signTransaction) in place of a keystore", secret: true },
  signerAddress: { env: "SEQUENCER_SIGNER_ADDRESS", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  plainKey: { env: "SEQUENCER_KEY", parser: hex(32), default: undefined, description: "Plain key, on the local chain only; there a well-known test key is used when nothing is given", secret: true },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type SequencerConfig = ConfigOf<typeof sequencerSettings>;

/** Flags win over the environment, that over the file that SEQUENCER_CONFIG names. */
export function loadSequencerConfig(flags: readonly string[]): SequencerConfig {
  return loadConfig(sequencerSettings, { env: process.env, flags, file: process.env["SEQUENCER_CONFIG"] });
}
