import { join } from "node:path";

import { ROOT } from "./ChildService.ts";

const HARDHAT = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");

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
  return [join(ROOT, "services", "sequencer", "main.ts"), ...common(settings, "sequencer")];
}

export function apiArguments(settings: ServiceSettings): string[] {
  return [join(ROOT, "services", "api", "main.ts"), ...common(settings, "replica")];
}

function common(settings: ServiceSettings, folder: string): string[] {
  return ["--port", String(settings.port), "--l1-url", settings.l1Url, "--deployment", settings.deploymentFile, "--data-dir", join(settings.directory, folder)];
}
