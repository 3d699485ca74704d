import { readFileSync } from "node:fs";

import { parse as parseYaml } from "yaml";

import { ConfigError } from "../runtime/config/ConfigError.ts";
import { defineConfig } from "../runtime/config/defineConfig.ts";
import type { ConfigOf } from "../runtime/config/defineConfig.ts";
import { loadConfig } from "../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../runtime/config/parsers.ts";
import { toError } from "../runtime/errors/CodedError.ts";
import { LOG_LEVELS } from "../runtime/logger/Logger.ts";
import { amount, namedAgent, tokenPrice } from "./settingParsers.ts";

/** Ways to be paid, as docs/SIDECAR.md section 3 has them. */
export const WAY_NAMES = ["exact", "call", "channel"] as const;
/** What a first start does on the chains, in this order; each can be left out. */
export const IDENTITY_STEPS = ["registration", "account", "link", "session", "advertise"] as const;

/** Settings of the sidecar: one table for flags, environment, configuration file and documentation. */
export const sidecarSettings = defineConfig({
  // What is sold, and where.
  upstream: { env: "SIDECAR_UPSTREAM", parser: url("http", "https", "unix"), default: undefined, description: "The service that is sold: http://…, https://… or unix:/path/to.sock; without it the sidecar only buys" },
  host: { env: "SIDECAR_HOST", parser: text, default: "127.0.0.1", description: "Address that buyers reach; 0.0.0.0 for all" },
  port: { env: "SIDECAR_PORT", parser: port, default: 8402, description: "Port that buyers reach; 0 chooses one" },
  publicUrl: { env: "SIDECAR_PUBLIC_URL", parser: url("http", "https"), default: undefined, description: "URL under which others reach it; host and port when left out" },
  tlsCert: { env: "SIDECAR_TLS_CERT", parser: text, default: undefined, description: "PEM file with the certificate chain; with it the door speaks TLS" },
  tlsKey: { env: "SIDECAR_TLS_KEY", parser: text, default: undefined, description: "PEM file with its key" },
  name: { env: "SIDECAR_NAME", parser: text, default: undefined, description: "The agent's name, for card and registration; the upstream's host when left out" },
  description: { env: "SIDECAR_DESCRIPTION", parser: text, default: "", description: "What it does, in a sentence" },
  sealed: { env: "SIDECAR_SEALED", parser: flag, default: true, description: "Takes sealed bodies too (docs/SIDECAR.md section 9): a key for them is made, kept encrypted in the data folder and shown in the card" },
  // Prices.
  price: { env: "SIDECAR_PRICE", parser: amount, default: undefined, description: "One price for everything, in whole units of the chain's asset, for calls and channels; instead of `routes`" },
  x402Price: { env: "SIDECAR_X402_PRICE", parser: list(tokenPrice), default: [], description: "The same for `exact`: TOKEN=AMOUNT, in whole units of the token" },
  routes: { env: "SIDECAR_ROUTES", parser: text, default: undefined, description: "YAML or JSON file with `routes` (docs/SIDECAR.md section 6); read again at SIGHUP" },
  quoteSeconds: { env: "SIDECAR_QUOTE_SECONDS", parser: integer(0, 86_400), default: 60, description: "How long a price is still taken after it was replaced" },
  ways: { env: "SIDECAR_WAYS", parser: list(oneOf(...WAY_NAMES)), default: [...WAY_NAMES], description: "Ways to be paid" },
  // The chain.
  sequencer: { env: "AGNT2_SEQUENCER_URL", parser: url("http", "https"), default: "http://127.0.0.1:7200", description: "The chain's sequencer" },
  api: { env: "AGNT2_API_URL", parser: url("http", "https"), default: "http://127.0.0.1:7300", description: "API of a replica" },
  l1: { env: "L1_URL", parser: url("http", "https"), default: "http://127.0.0.1:8545", description: "L1 endpoint", secret: true },
  deployment: { env: "AGNT2_DEPLOYMENT", parser: text, default: undefined, description: "The chain's deployment file, with which the servers must agree; needed on all but local chains" },
  sequencerAddress: { env: "AGNT2_SEQUENCER_ADDRESS", parser: hex(20), default: undefined, description: "The address that must have signed answers; the deployment's sequencer when left out" },
  faucet: { env: "AGNT2_FAUCET_URL", parser: url("http", "https"), default: "http://127.0.0.1:7400", description: "Faucet that is asked for the first funds on the local chain; on others nobody is" },
  facilitator: { env: "SIDECAR_FACILITATOR", parser: url("http", "https"), default: undefined, description: "x402 facilitator that settles `exact`; without it that way is not offered", secret: true },
  // Key and identity.
  dataDir: { env: "SIDECAR_DATA_DIR", parser: text, default: ".agnt2/sidecar", description: "Folder of identity, ledger, receipts and channels; one process at a time" },
  keystore: { env: "AGNT2_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore; `key.json` in the data folder when left out, made when it is not there" },
  password: { env: "AGNT2_PASSWORD", parser: text, default: undefined, description: "Its password; a file is better", secret: true },
  passwordFile: { env: "AGNT2_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password in the first line; `password` in the data folder when left out, made with a new key" },
  signer: { env: "AGNT2_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (eth_signTypedData_v4, eth_signTransaction) instead of a keystore; it signs no channels", secret: true },
  account: { env: "AGNT2_ACCOUNT", parser: hex(20), default: undefined, description: "Which of its keys, when it holds more than one" },
  key: { env: "AGNT2_KEY", parser: hex(32), default: undefined, description: "Plain key, on a local chain only", secret: true },
  identity: { env: "SIDECAR_IDENTITY", parser: list(oneOf(...IDENTITY_STEPS)), default: [...IDENTITY_STEPS], description: "Steps of the first start; those that are left out are not made, and what needs them is not offered" },
  agentId: { env: "SIDECAR_AGENT_ID", parser: integer(0), default: undefined, description: "ERC-8004 id, when the key owns several agents" },
  registrationUrl: { env: "SIDECAR_REGISTRATION_URL", parser: flag, default: false, description: "The registry gets the URL of the registration file instead of the file itself; `publicUrl` must be reachable then" },
  deposit: { env: "SIDECAR_DEPOSIT", parser: amount, default: "0.01", description: "What a first start pays into the L2 account, in whole units" },
  sessionCap: { env: "SIDECAR_SESSION_CAP", parser: amount, default: "0.01", description: "What the session key may spend until it is renewed, fees and purchases by calls included, in whole units; a buyer needs at least what it spends in a minute" },
  sessionSeconds: { env: "SIDECAR_SESSION_SECONDS", parser: integer(60, 31_536_000), default: 604_800, description: "How long a session key is good; renewed when a quarter is left, of the time or of the amount" },
  // Channels.
  channelListen: { env: "SIDECAR_CHANNEL_LISTEN", parser: text, default: "tls://127.0.0.1:8403", description: "Where channel partners reach this agent: tls://HOST:PORT, or a libp2p address, which costs more of both sides" },
  channelAddress: { env: "SIDECAR_CHANNEL_ADDRESS", parser: text, default: undefined, description: "The same as others have to dial it; `channelListen` when left out" },
  towers: { env: "AGNT2_TOWERS", parser: list(url("http", "https")), default: [], description: "Watchtowers that get the newest state of each channel" },
  recordCalls: { env: "SIDECAR_RECORD_CALLS", parser: flag, default: false, description: "A line of about 160 bytes for each call that was sold on a channel (`channels/calls-<channel>.log`), for accounts; the file is never shortened" },
  matchMs: { env: "SIDECAR_MATCH_MS", parser: durationMs, default: 10_000, description: "How long a channel call waits for its HTTP request" },
  ticketWaitMs: { env: "SIDECAR_TICKET_WAIT_MS", parser: durationMs, default: 2_000, description: "How long an HTTP request waits for its channel call" },
  // Limits.
  maxConnections: { env: "SIDECAR_MAX_CONNECTIONS", parser: integer(1, 65_535), default: 4_096, description: "Open connections of buyers" },
  maxRunning: { env: "SIDECAR_MAX_RUNNING", parser: integer(1, 65_535), default: 1_024, description: "Requests that are served at once; more get 503" },
  maxRunningPerAddress: { env: "SIDECAR_MAX_RUNNING_PER_ADDRESS", parser: integer(1, 65_535), default: 256, description: "Of these, for one address (IPv6: /64); behind a proxy that speaks for everybody: as many" },
  maxHeaderBytes: { env: "SIDECAR_MAX_HEADER_BYTES", parser: integer(1_024, 1_048_576), default: 32_768, description: "Size of a request's head" },
  headerMs: { env: "SIDECAR_HEADER_MS", parser: durationMs, default: 10_000, description: "Time for a request's head" },
  maxBodyBytes: { env: "SIDECAR_MAX_BODY_BYTES", parser: integer(1, 1_073_741_824), default: 1_048_576, description: "Size of a request's body, where a route says nothing else" },
  bodyIdleMs: { env: "SIDECAR_BODY_IDLE_MS", parser: durationMs, default: 30_000, description: "How long a body may stand still" },
  upstreamMs: { env: "SIDECAR_UPSTREAM_MS", parser: durationMs, default: 30_000, description: "How long the service may take, where a route says nothing else" },
  hashBodyBytes: { env: "SIDECAR_HASH_BODY_BYTES", parser: integer(0, 16_777_216), default: 65_536, description: "Paid bodies above this size need the header Content-Digest" },
  holdBytes: { env: "SIDECAR_HOLD_BYTES", parser: integer(1_024, 268_435_456), default: 1_048_576, description: "Answers up to this size are held until they are paid" },
  holdMs: { env: "SIDECAR_HOLD_MS", parser: durationMs, default: 10_000, description: "How long an answer without a length is read before it counts as endless" },
  keepAnswerBytes: { env: "SIDECAR_KEEP_ANSWER_BYTES", parser: integer(0, 16_777_216), default: 262_144, description: "Answers up to this size are kept for a buyer that asks again" },
  keepReceipts: { env: "SIDECAR_KEEP_RECEIPTS", parser: integer(1_000, 1_000_000_000), default: 1_000_000, description: "Receipts of what was bought that are kept, the newest (about 0.7 KB each); sums stay" },
  keepSeconds: { env: "SIDECAR_KEEP_SECONDS", parser: integer(60, 31_536_000), default: 86_400, description: "How long a payment is remembered past its own expiry" },
  repeatWaitMs: { env: "SIDECAR_REPEAT_WAIT_MS", parser: durationMs, default: 30_000, description: "How long a repeated request waits for the first one's answer" },
  drainMs: { env: "SIDECAR_DRAIN_MS", parser: durationMs, default: 20_000, description: "How long running exchanges may take when the sidecar is stopped" },
  minFreeDiskMb: { env: "SIDECAR_MIN_FREE_DISK_MB", parser: integer(0), default: 64, description: "Not ready with less room in the data folder" },
  maxClockSkewSeconds: { env: "SIDECAR_MAX_CLOCK_SKEW_SECONDS", parser: integer(1), default: 60, description: "Not ready when this machine's clock and L1's differ by more" },
  // Buying.
  gatewayPort: { env: "SIDECAR_GATEWAY_PORT", parser: port, default: undefined, description: "Port of the gateway on `localHost`, by which the service buys: /agents/NAME/…; none when left out" },
  proxyPort: { env: "SIDECAR_PROXY_PORT", parser: port, default: undefined, description: "Port of the forward proxy on `localHost`; none when left out" },
  localHost: { env: "SIDECAR_LOCAL_HOST", parser: text, default: "127.0.0.1", description: "Address of gateway and proxy: whoever reaches it spends the budget" },
  localHosts: { env: "SIDECAR_LOCAL_HOSTS", parser: list(text), default: [], description: "Names by which the service calls this machine, besides localhost: a container's name" },
  buyToken: { env: "SIDECAR_BUY_TOKEN", parser: text, default: undefined, description: "Token that gateway and proxy ask their callers for", secret: true },
  buyAgents: { env: "SIDECAR_BUY_AGENTS", parser: list(namedAgent), default: [], description: "Names for other agents: NAME=AGENT-ID or NAME=URL" },
  buyAllow: { env: "SIDECAR_BUY_ALLOW", parser: list(text), default: [], description: "Hosts that may be paid, HOST or HOST:PORT; the named agents' own hosts may. Nobody else is" },
  buyAssets: { env: "SIDECAR_BUY_ASSETS", parser: list(hex(20)), default: [], description: "Tokens that `exact` may spend" },
  buyMaxPerCall: { env: "SIDECAR_BUY_MAX_PER_CALL", parser: amount, default: "0.001", description: "Most that one call may cost, in whole units" },
  buyPerDay: { env: "SIDECAR_BUY_PER_DAY", parser: amount, default: "0.01", description: "Most that is spent in a day, in whole units" },
  buyPerHost: { env: "SIDECAR_BUY_PER_HOST", parser: amount, default: undefined, description: "Most that is spent with one host in a day; `buyPerDay` when left out" },
  promoteCalls: { env: "SIDECAR_PROMOTE_CALLS", parser: integer(1), default: 20, description: "So many calls to one agent within `promoteMs` open a channel" },
  promoteMs: { env: "SIDECAR_PROMOTE_MS", parser: durationMs, default: 60_000, description: "See `promoteCalls`" },
  promoteDeposit: { env: "SIDECAR_PROMOTE_DEPOSIT", parser: amount, default: undefined, description: "What such a channel gets, in whole units; no channels are opened when left out" },
  promoteInAll: { env: "SIDECAR_PROMOTE_IN_ALL", parser: amount, default: undefined, description: "Most that all such channels hold at once, in whole units; ten deposits when left out" },
  promoteWindowSeconds: { env: "SIDECAR_PROMOTE_WINDOW_SECONDS", parser: integer(1), default: undefined, description: "How long their sellers have to answer a close; a day when left out" },
  demoteMs: { env: "SIDECAR_DEMOTE_MS", parser: durationMs, default: 600_000, description: "A channel that is idle for so long is closed" },
  localTargets: { env: "SIDECAR_LOCAL_TARGETS", parser: flag, default: false, description: "Buy from addresses of this machine and its network too; for tests and compose networks" },
  // Operation.
  adminHost: { env: "SIDECAR_ADMIN_HOST", parser: text, default: "127.0.0.1", description: "Address of health, readiness and metrics" },
  adminPort: { env: "SIDECAR_ADMIN_PORT", parser: port, default: 8405, description: "Port of health, readiness and metrics; 0 chooses one" },
  logLevel: { env: "LOG_LEVEL", parser: oneOf(...LOG_LEVELS), default: "info", description: "Least important log lines that are written" },
});

export type SidecarSettings = ConfigOf<typeof sidecarSettings>;

/** Settings, and the routes as the file has them: not checked yet. */
export interface SidecarConfig {
  readonly settings: SidecarSettings;
  /** A list of routes; undefined when one `price` stands for all. */
  readonly routes: unknown;
}

/** A YAML file, of which JSON is a part. @throws ConfigError `config/file` */
function readObject(file: string): Record<string, unknown> {
  try {
    const content: unknown = parseYaml(readFileSync(file, "utf8"), { maxAliasCount: 0 });
    if (typeof content !== "object" || content === null || Array.isArray(content)) throw new Error("it does not hold names with values");
    return content as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError("config/file", { file }, "stop", { what: `The configuration file ${file} cannot be used`, why: toError(error).message, todo: "Correct the file or leave it out" }, { cause: error });
  }
}

/** The routes of a file: it holds `routes`, or is the list itself. @throws ConfigError `config/file` */
export function readRoutes(file: string): unknown {
  const { routes } = readObject(file);
  if (!Array.isArray(routes)) throw new ConfigError("config/file", { file }, "stop", { what: `${file} has no list \`routes\``, todo: "Write the routes there, as docs/SIDECAR.md section 6 shows" });
  return routes;
}

export interface SidecarSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly string[];
  /** YAML or JSON: settings by their names, and `routes` as a list or as the name of another file. */
  readonly file?: string | undefined;
}

/**
 * Flags win over the environment, that over the file, that over defaults.
 * @throws ConfigError `config/invalid`, `config/file`
 */
export function readSidecarConfig({ env, flags = [], file }: SidecarSources): SidecarConfig {
  const { routes: given, ...rest } = file === undefined ? {} : readObject(file);
  const inFile = typeof given === "string" ? { ...rest, routes: given } : rest;
  const settings = loadConfig(sidecarSettings, { env, flags, file: inFile });
  const routes = settings.routes === undefined ? (typeof given === "string" ? undefined : given) : readRoutes(settings.routes);
  return { settings, routes };
}

/** As a process is started: the file is what `--config` or SIDECAR_CONFIG names. */
export function loadSidecarConfig(flags: readonly string[]): SidecarConfig {
  return readSidecarConfig(sourcesOf(flags));
}

/** Where a process' settings come from. */
export function sourcesOf(flags: readonly string[]): SidecarSources {
  const at = flags.findIndex((each) => each === "--config" || each.startsWith("--config="));
  if (at === -1) return { env: process.env, flags, file: process.env["SIDECAR_CONFIG"] || undefined };
  const isInline = flags[at]!.includes("=");
  const file = isInline ? flags[at]!.slice("--config=".length) : flags[at + 1];
  return { env: process.env, flags: flags.filter((_each, place) => place < at || place > at + (isInline ? 0 : 1)), file };
}
