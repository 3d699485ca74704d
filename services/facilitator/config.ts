import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the facilitator. */
export const facilitatorSettings = defineConfig({
  host: { env: "FACILITATOR_HOST", parser: text, default: "127.0.0.1", description: "Address of /supported, /verify and /settle" },
  port: { env: "FACILITATOR_PORT", parser: port, default: 7800, description: "Port of them; 0 chooses one" },
  statusHost: { env: "FACILITATOR_STATUS_HOST", parser: text, default: "127.0.0.1", description: "Address of health, status and metrics" },
  statusPort: { env: "FACILITATOR_STATUS_PORT", parser: port, default: 7801, description: "Port of health, status and metrics; 0 chooses one" },
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts; read only when no assets are named, for its test dollar" },
  dataDir: { env: "FACILITATOR_DATA_DIR", parser: text, default: ".agnt2/facilitator", description: "Folder for the journal of transactions" },
  assets: { env: "FACILITATOR_ASSETS", parser: list(hex(20)), default: [], description: "Tokens with EIP-3009 that payments are taken in; the deployment's test dollar when left out" },
  payees: { env: "FACILITATOR_PAYEES", parser: list(hex(20)), default: [], description: "Whom payments may go to; anyone when left out, at this account's cost of gas" },
  minAmount: { env: "FACILITATOR_MIN_AMOUNT", parser: integer(0), default: 0, description: "Smaller payments are refused, in base units of their token: each costs gas" },
  payerPerHour: { env: "FACILITATOR_PAYER_PER_HOUR", parser: integer(0), default: 3_600, description: "Payments of one payer that are sent in an hour; 0 for no limit" },
  rateLimit: { env: "FACILITATOR_RATE_LIMIT", parser: integer(0), default: 6_000, description: "Requests that one address may make in a minute; 0 for no limit" },
  maxPending: { env: "FACILITATOR_MAX_PENDING", parser: integer(1), default: 256, description: "Payments that are settled at once, over all payers" },
  maxConnections: { env: "FACILITATOR_MAX_CONNECTIONS", parser: integer(1), default: 1_024, description: "Open connections" },
  settleMs: { env: "FACILITATOR_SETTLE_MS", parser: durationMs, default: 20_000, description: "So long a settlement is waited for; after it the answer is settlement_pending, and asking again goes on waiting for the same one" },
  confirmations: { env: "FACILITATOR_CONFIRMATIONS", parser: integer(1), default: 1, description: "Blocks that must hold a payment, its own counted" },
  maxGas: { env: "FACILITATOR_MAX_GAS", parser: integer(60_000, 1_000_000), default: 200_000, description: "Most gas of one payment: the signature of a contract may be made to cost more" },
  maxFeeGwei: { env: "FACILITATOR_MAX_FEE_GWEI", parser: integer(1), default: 100, description: "Most for a gas; payments are refused while it costs more" },
  minBalanceGwei: { env: "FACILITATOR_MIN_BALANCE_GWEI", parser: integer(0), default: 20_000_000, description: "Alarm below this balance" },
  allowContracts: { env: "FACILITATOR_ALLOW_CONTRACTS", parser: flag, default: true, description: "Take payments of contracts (ERC-1271)" },
  pollMs: { env: "FACILITATOR_POLL_MS", parser: durationMs, default: undefined, description: "Pause between two looks at payments that somebody waits for; 1 s by default, on the local chain 25 ms" },
  keystoreFile: { env: "FACILITATOR_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore of the account that pays the gas; nobody else may send from it" },
  passwordFile: { env: "FACILITATOR_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password" },
  signerUrl: { env: "FACILITATOR_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (JSON-RPC: eth_signTransaction) in place of a keystore", secret: true },
  signerAddress: { env: "FACILITATOR_SIGNER_ADDRESS", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  plainKey: { env: "FACILITATOR_KEY", parser: hex(32), default: undefined, description: "Plain key, on the local chain only; there a well-known test key is used when nothing is given", secret: true },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type FacilitatorConfig = ConfigOf<typeof facilitatorSettings>;

/** Flags win over the environment, that over the file that FACILITATOR_CONFIG names. */
export function loadFacilitatorConfig(flags: readonly string[]): FacilitatorConfig {
  return loadConfig(facilitatorSettings, { env: process.env, flags, file: process.env["FACILITATOR_CONFIG"] });
}
