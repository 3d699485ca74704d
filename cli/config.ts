import { defineConfig } from "../runtime/config/defineConfig.ts";
import { loadConfig } from "../runtime/config/loadConfig.ts";
import { hex, list, text, url } from "../runtime/config/parsers.ts";

/** What the CLI reads from the environment; flags of the same meaning win. */
export const CLI_SETTINGS = defineConfig({
  sequencer: { env: "AGNT2_SEQUENCER_URL", parser: url("http", "https"), default: "http://127.0.0.1:7200", description: "The sequencer" },
  api: { env: "AGNT2_API_URL", parser: url("http", "https"), default: "http://127.0.0.1:7300", description: "A replica's API" },
  l1: { env: "L1_URL", parser: url("http", "https"), default: "http://127.0.0.1:8545", description: "The L1 endpoint" },
  faucet: { env: "AGNT2_FAUCET_URL", parser: url("http", "https"), default: "http://127.0.0.1:7400", description: "The local network's faucet" },
  keystore: { env: "AGNT2_KEYSTORE", parser: text, default: undefined, description: "Encrypted keystore file" },
  password: { env: "AGNT2_PASSWORD", parser: text, default: undefined, description: "Its password", secret: true },
  passwordFile: { env: "AGNT2_PASSWORD_FILE", parser: text, default: undefined, description: "File with its password in the first line" },
  signer: { env: "AGNT2_SIGNER_URL", parser: url("http", "https"), default: undefined, description: "External signer (eth_signTypedData_v4)" },
  key: { env: "AGNT2_KEY", parser: hex(32), default: undefined, description: "Plain key, on the local chain only", secret: true },
  deployment: { env: "AGNT2_DEPLOYMENT", parser: text, default: undefined, description: "The chain's deployment file, which the servers must agree with; needed on all but local chains" },
  sequencerAddress: { env: "AGNT2_SEQUENCER_ADDRESS", parser: hex(20), default: undefined, description: "The address that must have signed answers; default: the deployment's sequencer" },
  channels: { env: "AGNT2_CHANNELS", parser: text, default: undefined, description: "Folder of the channels' stores; default: .agnt2/channels in the home folder" },
  tower: { env: "AGNT2_TOWERS", parser: list(url("http", "https")), default: [], description: "Watchtowers that get the newest state of each channel" },
  bids: { env: "AGNT2_BIDS", parser: text, default: undefined, description: "File with the salts of hidden bids; default: .agnt2/bids/ADDRESS.json in the home folder" },
  account: { env: "AGNT2_ACCOUNT", parser: hex(20), default: undefined, description: "The owner's address, when the key is a session key" },
});

export type CliConfig = ReturnType<typeof readCliConfig>;

/** @throws ConfigError */
export function readCliConfig() {
  return loadConfig(CLI_SETTINGS, { env: process.env });
}

/** For programs that a command starts: the environment without the CLI's own secrets. */
export function inheritedEnvironment(): Record<string, string> {
  const secrets = new Set<string>(Object.values(CLI_SETTINGS).filter((setting) => "secret" in setting && setting.secret).map(({ env }) => env));
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !secrets.has(entry[0])));
}
