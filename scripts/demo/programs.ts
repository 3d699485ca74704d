import { join } from "node:path";

import { ROOT } from "./ChildService.ts";

const HARDHAT = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");

/** Local blocks come at once, so everybody looks often. */
const POLL_MS = "250";

export interface ServiceSettings {
  readonly l1Url: string;
  readonly deploymentFile: string;
  /** Each service keeps its data in a folder of its own below. */
  readonly directory: string;
  readonly port: number;
}

export function hardhatNodeArguments(port: number): string[] {
  return [HARDHAT, "node", "--port", String(port), "--hostname", "127.0.0.1"];
}

export function deployArguments(): string[] {
  return [HARDHAT, "deploy", "--network", "localhost", "--reset"];
}

export function sequencerArguments(settings: ServiceSettings): string[] {
  return [join(ROOT, "services", "sequencer", "main.ts"), ...common(settings, "sequencer"), "--poll-ms", POLL_MS];
}

/** Agents of a local chain have their registration files on this machine too. */
export function apiArguments(settings: ServiceSettings, sequencerUrl: string): string[] {
  return [join(ROOT, "services", "api", "main.ts"), ...common(settings, "replica"), "--poll-ms", POLL_MS, "--sequencer-url", sequencerUrl, "--cards-local"];
}

/** @param backer whose claims it plays for as if they were its own */
export function challengerArguments(settings: ServiceSettings, backer: string): string[] {
  return [join(ROOT, "services", "challenger", "main.ts"), ...common(settings, "challenger"), "--poll-ms", POLL_MS, "--collect-ms", "1000", "--play-for", backer];
}

/** Local channels have windows of seconds. The key's account is funded with what the answers cost. */
export function watchtowerArguments(settings: ServiceSettings): string[] {
  return [join(ROOT, "services", "watchtower", "main.ts"), ...common(settings, "watchtower"), "--poll-ms", POLL_MS, "--min-window-seconds", "1"];
}

function common({ port, l1Url, deploymentFile, directory }: ServiceSettings, folder: string): string[] {
  return ["--port", String(port), "--l1-url", l1Url, "--deployment", deploymentFile, "--data-dir", join(directory, folder)];
}
