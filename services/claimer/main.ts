import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadClaimerConfig } from "./config.ts";
import { createClaimerService } from "./service.ts";

/** Runs the claimer until a signal ends it. */
async function main(): Promise<number> {
  let config;
  try {
    config = loadClaimerConfig(process.argv.slice(2));
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "claimer", level: config.logLevel, output: process.stdout });
  return await runUntilStopped(createClaimerService(config, logger), {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
