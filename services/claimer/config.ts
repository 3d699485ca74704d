import { defineConfig } from "../../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, text, url } from "../../runtime/config/parsers.ts";
import { LOG_LEVELS } from "../../runtime/logger/Logger.ts";

/** Settings of the claimer. */
export const claimerSettings = defineConfig({
  l1Url: { env: "L1_URL", parser: list(url("http", "https")), default: ["http://127.0.0.1:8545"], description: "L1 endpoints, the preferred one first", secret: true },
  deployment: { env: "DEPLOYMENT", parser: text, default: "deployments/31337.json", description: "File with the addresses of the chain's contracts" },
  dataDir: { env: "CLAIMER_DATA_DIR", parser: text, default: ".agnt2/claimer", description: "Folder for what was derived and for the journal of transactions" },
  pollMs: { env: "CLAIMER_POLL_MS", parser: durationMs, default: 4_000, description: "Pause between two looks at L1" },
  depth: { env: "CLAIMER_DEPTH", parser: integer(0, 1_000), default: 0, description: "L1 blocks that must stand on a block before it is taken over" },
  keystoreFile: { env: "CLAIMER_KEYSTORE_FILE", parser: text, default: undefined, description: "Encrypted keystore of the L1 account that pays the bonds" },
  passwordFile: { env: "CLAIMER_PASSWORD_FILE", parser: text, default: undefined, description: "File with the keystore's password" },
  externalSignerUrl: { env: "CLAIMER_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer instead of a keystore" },
  plainKey: { env: "CLAIMER_PLAIN_KEY", parser: hex(32), default: undefined, description: "Plain key, for the local network only", secret: true },
  allowPlainKey: { env: "CLAIMER_ALLOW_PLAIN_KEY", parser: flag, default: false, description: "Says that this is a local network" },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type ClaimerConfig = ConfigOf<typeof claimerSettings>;

/** Flags win over the environment, that over the file that CLAIMER_CONFIG names. */
export function loadClaimerConfig(flags: readonly string[]): ClaimerConfig {
  return loadConfig(claimerSettings, { env: process.env, flags, file: process.env["CLAIMER_CONFIG"] });
}
