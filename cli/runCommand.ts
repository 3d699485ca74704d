import type { Command } from "commander";

import { readCliConfig } from "./config.ts";
import type { CliConfig } from "./config.ts";
import { Connection } from "./Connection.ts";
import { EXIT_FAILED } from "./exitCodes.ts";
import { Report } from "./Report.ts";

/** What a command's body gets. */
export interface Context {
  readonly connection: Connection;
  readonly report: Report;
}

const OVERRIDES = ["sequencer", "api", "l1", "keystore", "passwordFile", "signer", "deployment", "sequencerAddress", "account", "channels", "tower"] as const;

/** The environment's settings with this command line's flags on top. */
export function configOf(command: Command): CliConfig {
  const flags = command.optsWithGlobals<Record<string, string | readonly string[] | undefined>>();
  const given = OVERRIDES.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]);
  return { ...readCliConfig(), ...(Object.fromEntries(given) as Partial<CliConfig>) };
}

/** The body of a command as commander calls it: opens, runs, closes; what goes wrong is told with its code, and exit code 1. */
export function action<A extends unknown[]>(body: (context: Context, ...args: A) => Promise<void>): (this: Command, ...args: [...A, ...unknown[]]) => Promise<void> {
  return async function (this: Command, ...args) {
    const report = new Report(this.optsWithGlobals<{ json?: boolean }>().json === true);
    let connection: Connection | undefined;
    try {
      connection = new Connection(configOf(this));
      await body({ connection, report }, ...(args as unknown as A));
    } catch (error) {
      report.error(error);
      process.exitCode = EXIT_FAILED;
    } finally {
      await connection?.close();
    }
  };
}
