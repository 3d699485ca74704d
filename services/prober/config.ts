import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the prober. */
export const proberSettings = defineConfig({
  host: { env: "PROBER_HOST", parser: text, default: "127.0.0.1", description: "Address of health, status and metrics" },
  port: { env: "PROBER_PORT", parser: port, default: 7700, description: "Port of health, status and metrics; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first; others than those that are measured, or an outage of those cannot be told from one of this machine", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  dataDir: { env: "PROBER_DATA_DIR", parser: text, default: ".agnt2/prober", description: "Folder for samples, salts and the journal of transactions; whoever loses it between commit and reveal loses stake" },
  queueUrl: { env: "QUEUE_URL", parser: url("redis", "rediss", "postgres", "postgresql"), default: undefined, description: "Redis or PostgreSQL for wake-ups; an embedded PostgreSQL when left out", secret: true },
  meter: { env: "PROBER_METER", parser: hex(20), default: undefined, description: "The UptimeMeter, when the deployment does not name it" },
  boards: { env: "PROBER_BOARDS", parser: list(hex(20)), default: [], description: "Boards whose bounties are attested; the deployment's when left out. Anybody can be a board" },
  bounties: { env: "PROBER_BOUNTIES", parser: list(integer(0)), default: [], description: "Only these bounties, whoever else is on their panels; when left out, those that name this validator on a panel whose majority it trusts" },
  peers: { env: "PROBER_PEERS", parser: list(hex(20)), default: [], description: "Validators that are trusted: a majority of others on a panel could have this one's stake burned" },
  minPeriodSeconds: { env: "PROBER_MIN_PERIOD_SECONDS", parser: integer(1), default: undefined, description: "Bounties with shorter periods are left alone, for they cost two transactions each; 600 by default, on the local chain 1" },
  openPanels: { env: "PROBER_OPEN_PANELS", parser: flag, default: false, description: "Attest where the panel is open, too" },
  maxEngagements: { env: "PROBER_MAX_ENGAGEMENTS", parser: integer(1, 256), default: 16, description: "Bounties measured at once at most, the oldest first" },
  endpoints: { env: "PROBER_ENDPOINTS", parser: list(url("http", "https")), default: [], description: "URLs that terms may have the hash of, written exactly as there; what an operator announces needs no entry", secret: true },
  allowPrivate: { env: "PROBER_ALLOW_PRIVATE", parser: flag, default: undefined, description: "Measure http and private addresses too; by default only on the local chain" },
  sampleMs: { env: "PROBER_SAMPLE_MS", parser: durationMs, default: 10_000, description: "Pause between two samples of an endpoint" },
  sampleTimeoutMs: { env: "PROBER_SAMPLE_TIMEOUT_MS", parser: durationMs, default: 5_000, description: "An answer that takes longer is none" },
  minCoveragePercent: { env: "PROBER_MIN_COVERAGE_PERCENT", parser: integer(1, 100), default: 80, description: "A period with less of its samples is not attested: whoever did not see an outage is slashed for it" },
  chainId: { env: "PROBER_CHAIN_ID", parser: integer(1), default: undefined, description: "Chain that the endpoints must serve; any when left out" },
  maxHeadAgeSeconds: { env: "PROBER_MAX_HEAD_AGE_SECONDS", parser: integer(1), default: undefined, description: "An endpoint whose newest block is older is down; any age when left out" },
  pollMs: { env: "PROBER_POLL_MS", parser: durationMs, default: 4_000, description: "Pause between two looks at L1" },
  tallyAfterSeconds: { env: "PROBER_TALLY_AFTER_SECONDS", parser: integer(0), default: 30, description: "So long after the reveal phase, times its place in the panel, it leaves the tally to others" },
  publish: { env: "PROBER_PUBLISH", parser: flag, default: false, description: "Answer requests of operators' agents in the ValidationRegistry, through the meter" },
  stakeGwei: { env: "PROBER_STAKE_GWEI", parser: integer(0), default: 0, description: "Staked once, by a prober that never was; 0 for a stake that is paid by hand" },
  leave: { env: "PROBER_LEAVE", parser: flag, default: false, description: "Commit to nothing more, reveal what is committed to, and withdraw the stake as soon as that can be" },
  minBalanceGwei: { env: "PROBER_MIN_BALANCE_GWEI", parser: integer(0), default: 20_000_000, description: "Alarm below this balance" },
  calmFeeGwei: { env: "PROBER_CALM_FEE_GWEI", parser: integer(1), default: 100, description: "Most for a gas while there is time" },
  maxFeeGwei: { env: "PROBER_MAX_FEE_GWEI", parser: integer(1), default: 2_000, description: "Most for a gas of a reveal close to its deadline; it never costs more than the penalty" },
  keystoreFile: { env: "PROBER_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore of the validator's key" },
  passwordFile: { env: "PROBER_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password" },
  signerUrl: { env: "PROBER_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (JSON-RPC: eth_signTransaction) in place of a keystore", secret: true },
  signerAddress: { env: "PROBER_SIGNER_ADDRESS", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  plainKey: { env: "PROBER_KEY", parser: hex(32), default: undefined, description: "Plain key, on the local chain only; there a well-known test key is used when nothing is given", secret: true },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type ProberConfig = ConfigOf<typeof proberSettings>;

/** Flags win over the environment, that over the file that PROBER_CONFIG names. */
export function loadProberConfig(flags: readonly string[]): ProberConfig {
  return loadConfig(proberSettings, { env: process.env, flags, file: process.env["PROBER_CONFIG"] });
}
