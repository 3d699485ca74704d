import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the watchtower. */
export const watchtowerSettings = defineConfig({
  host: { env: "WATCHTOWER_HOST", parser: text, default: "127.0.0.1", description: "Address of intake, health, status and metrics" },
  port: { env: "WATCHTOWER_PORT", parser: port, default: 7600, description: "Port of intake, health, status and metrics; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints; all are asked, and the one that is furthest is read", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  adjudicator: { env: "WATCHTOWER_ADJUDICATOR", parser: hex(20), default: undefined, description: "ChannelAdjudicator; from the deployment when left out" },
  towerBond: { env: "WATCHTOWER_TOWER_BOND", parser: hex(20), default: undefined, description: "TowerBond; from the deployment when left out" },
  bondedBy: { env: "WATCHTOWER_BONDED_BY", parser: hex(20), default: undefined, description: "Account that holds the bond; the key of the receipts when left out" },
  dataDir: { env: "WATCHTOWER_DATA_DIR", parser: text, default: ".agnt2/watchtower", description: "Folder of the states and of the journals of transactions" },
  queueUrl: { env: "QUEUE_URL", parser: url("redis", "rediss", "postgres", "postgresql"), default: undefined, description: "Redis or PostgreSQL for wake-ups; an embedded PostgreSQL when left out", secret: true },
  sequencerUrl: { env: "SEQUENCER_URL", parser: url("http", "https"), default: undefined, description: "Sequencer of the chain, to which answers in Layer Core go; without it and API_URL such channels are refused" },
  apiUrl: { env: "API_URL", parser: url("http", "https"), default: undefined, description: "Replica by which channels at home in Layer Core are watched: best your own" },
  pollMs: { env: "WATCHTOWER_POLL_MS", parser: durationMs, default: 4_000, description: "Pause between two looks" },
  sweep: { env: "WATCHTOWER_SWEEP", parser: integer(0, 10_000), default: 20, description: "Watched channels that are read in each look although no event spoke of them" },
  maxChannels: { env: "WATCHTOWER_MAX_CHANNELS", parser: integer(1, 1_000_000), default: 20_000, description: "States in clear, one for each channel and side; more are refused" },
  maxSealed: { env: "WATCHTOWER_MAX_SEALED", parser: integer(0, 1_000_000), default: 10_000, description: "Sealed bodies; more are refused" },
  maxPerLocator: { env: "WATCHTOWER_MAX_PER_LOCATOR", parser: integer(1, 64), default: 8, description: "Sealed bodies under one locator" },
  mandateSeconds: { env: "WATCHTOWER_MANDATE_SECONDS", parser: integer(3_600, 31_536_000), default: 2_592_000, description: "How long a promise is; at most what TowerBond allows. Windows are at most a quarter of it" },
  minWindowSeconds: { env: "WATCHTOWER_MIN_WINDOW_SECONDS", parser: integer(1), default: 3_600, description: "Channels with shorter windows are refused" },
  minCoreWindowSeconds: { env: "WATCHTOWER_MIN_CORE_WINDOW_SECONDS", parser: integer(1), default: 172_800, description: "The same in Layer Core, where forced inclusion and the lag of its time have to fit" },
  minHeldGwei: { env: "WATCHTOWER_MIN_HELD_GWEI", parser: integer(0), default: 0, description: "Channels in ETH that hold less are refused" },
  rateLimit: { env: "WATCHTOWER_RATE_LIMIT", parser: integer(0), default: 600, description: "States that one address may hand in in a minute; 0 for no limit" },
  maxConnections: { env: "WATCHTOWER_MAX_CONNECTIONS", parser: integer(1, 65_535), default: 1_024, description: "Open connections at most" },
  actAfterPercent: { env: "WATCHTOWER_ACT_AFTER_PERCENT", parser: integer(0, 90), default: 0, description: "A second tower lets this part of the window pass before it answers itself; 0 for the first" },
  forceAfterPercent: { env: "WATCHTOWER_FORCE_AFTER_PERCENT", parser: integer(0, 90), default: 10, description: "In Layer Core: an answer that is not in a batch after this part of the window goes by L1's queue too" },
  calmFeeGwei: { env: "WATCHTOWER_CALM_FEE_GWEI", parser: integer(1), default: 100, description: "Most for a gas while there is time" },
  maxFeeGwei: { env: "WATCHTOWER_MAX_FEE_GWEI", parser: integer(1), default: 5_000, description: "Most for a gas close to a deadline; an answer never costs more than what is at stake" },
  stakeGwei: { env: "WATCHTOWER_STAKE_GWEI", parser: integer(0), default: undefined, description: "What an answer is worth to the tower itself, if that is more than what its client would lose; the bond when left out" },
  minBalanceGwei: { env: "WATCHTOWER_MIN_BALANCE_GWEI", parser: integer(0), default: 500_000_000, description: "Alarm when an account that answers has less" },
  allowUnbonded: { env: "WATCHTOWER_ALLOW_UNBONDED", parser: flag, default: false, description: "Run without a bond: receipts are then worth nothing, and clients that look refuse them" },
  keystoreFile: { env: "WATCHTOWER_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore of the key that signs receipts and answers" },
  passwordFile: { env: "WATCHTOWER_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password" },
  spareKeystores: { env: "WATCHTOWER_SPARE_KEYSTORES", parser: list(text), default: [], description: "Keystores of spare accounts (same password): an answer that waits goes out by the next one too" },
  signerUrl: { env: "WATCHTOWER_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (JSON-RPC: eth_signTransaction, eth_signTypedData_v4) in place of keystores", secret: true },
  signerAddress: { env: "WATCHTOWER_SIGNER_ADDRESS", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  spareAddresses: { env: "WATCHTOWER_SPARE_ADDRESSES", parser: list(hex(20)), default: [], description: "Keys of the external signer for spare accounts" },
  plainKeys: { env: "WATCHTOWER_KEYS", parser: list(hex(32)), default: [], description: "Plain keys, on the local chain only: of the receipts, then of spare accounts; there well-known test keys are used when nothing is given", secret: true },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type WatchtowerConfig = ConfigOf<typeof watchtowerSettings>;

/** Flags win over the environment, that over the file that WATCHTOWER_CONFIG names. */
export function loadWatchtowerConfig(flags: readonly string[]): WatchtowerConfig {
  return loadConfig(watchtowerSettings, { env: process.env, flags, file: process.env["WATCHTOWER_CONFIG"] });
}
