import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadChallengerConfig } from "./config.ts";
import { createChallengerService } from "./service.ts";

/** Runs the challenger until a signal ends it. */
async function main(): Promise<number> {
  let config;
  try {
    config = loadChallengerConfig(process.argv.slice(2));
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "challenger", level: config.logLevel, output: process.stdout });
  const service = createChallengerService(config, logger);
  return await runUntilStopped(service, {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
