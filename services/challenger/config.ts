import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, hex, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the challenger. */
export const challengerSettings = defineConfig({
  host: { env: "CHALLENGER_HOST", parser: text, default: "127.0.0.1", description: "Address of health, status and metrics" },
  port: { env: "CHALLENGER_PORT", parser: port, default: 7500, description: "Port of health, status and metrics; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  dataDir: { env: "CHALLENGER_DATA_DIR", parser: text, default: ".agnt2/challenger", description: "Folder for what was derived and for the journal of transactions" },
  queueUrl: { env: "QUEUE_URL", parser: url("redis", "rediss", "postgres", "postgresql"), default: undefined, description: "Redis or PostgreSQL for wake-ups; an embedded PostgreSQL when left out", secret: true },
  sequencers: { env: "CHALLENGER_SEQUENCERS", parser: list(url("http", "https")), default: [], description: "Sequencers whose signed heads are compared, on a chain with operators" },
  pollMs: { env: "CHALLENGER_POLL_MS", parser: durationMs, default: 4_000, description: "Pause between two turns" },
  collectMs: { env: "CHALLENGER_COLLECT_MS", parser: durationMs, default: 60_000, description: "Pause between two looks for bonds to collect" },
  backing: { env: "CHALLENGER_BACKING", parser: oneOf("rivals", "always"), default: "rivals", description: "rivals: make or back the true claim when somebody made another; always: in every epoch" },
  playFor: { env: "CHALLENGER_PLAY_FOR", parser: list(hex(20)), default: [], description: "Backers whose entries are played as our own where they name this key as mover: sequencers of the same operator" },
  maxEntries: { env: "CHALLENGER_MAX_ENTRIES", parser: integer(1, 64), default: 4, description: "Own entries in one round at most" },
  maxBondGwei: { env: "CHALLENGER_MAX_BOND_GWEI", parser: integer(0), default: 0, description: "An entry that costs more is not made, with an alarm; 0 for no limit" },
  minBalanceGwei: { env: "CHALLENGER_MIN_BALANCE_GWEI", parser: integer(0), default: 3_000_000_000, description: "Alarm below this balance; three of the default bonds" },
  calmFeeGwei: { env: "CHALLENGER_CALM_FEE_GWEI", parser: integer(1), default: 100, description: "Most for a gas while there is time: the price that the bonds are made for" },
  maxFeeGwei: { env: "CHALLENGER_MAX_FEE_GWEI", parser: integer(1), default: 5_000, description: "Most for a gas close to a deadline; a call never costs more than what is at stake" },
  stakeGwei: { env: "CHALLENGER_STAKE_GWEI", parser: integer(0), default: 0, description: "What a call in time may cost at most; the bond when that is more" },
  maxEpochs: { env: "CHALLENGER_MAX_EPOCHS", parser: integer(1, 65_536), default: 4_096, description: "Unconfirmed epochs that are played for at once: more than there can be while the longest dispute lasts; those beyond are unguarded, with an alarm" },
  maxTraces: { env: "CHALLENGER_MAX_TRACES", parser: integer(1, 1_024), default: 4, description: "Disputed epochs kept in memory, each about as large as the state; the others are executed again for every move" },
  snapshotBatches: { env: "CHALLENGER_SNAPSHOT_BATCHES", parser: integer(1), default: 512, description: "A snapshot after so many batches, besides those at the end of epochs" },
  keystoreFile: { env: "CHALLENGER_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore of the challenger's key" },
  passwordFile: { env: "CHALLENGER_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password" },
  signerUrl: { env: "CHALLENGER_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (JSON-RPC: eth_signTransaction) in place of a keystore", secret: true },
  signerAddress: { env: "CHALLENGER_SIGNER_ADDRESS", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  plainKey: { env: "CHALLENGER_KEY", parser: hex(32), default: undefined, description: "Plain key, on the local chain only; there a well-known test key is used when nothing is given", secret: true },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type ChallengerConfig = ConfigOf<typeof challengerSettings>;

/** Flags win over the environment, that over the file that CHALLENGER_CONFIG names. */
export function loadChallengerConfig(flags: readonly string[]): ChallengerConfig {
  return loadConfig(challengerSettings, { env: process.env, flags, file: process.env["CHALLENGER_CONFIG"] });
}
