import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadProberConfig } from "./config.ts";
import { createProberService } from "./service.ts";

/** Runs the prober until a signal ends it. */
async function main(): Promise<number> {
  let config;
  try {
    config = loadProberConfig(process.argv.slice(2));
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "prober", level: config.logLevel, output: process.stdout });
  const service = createProberService(config, logger);
  return await runUntilStopped(service, {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
