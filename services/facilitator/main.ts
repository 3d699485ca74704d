import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadFacilitatorConfig } from "./config.ts";
import { createFacilitatorService } from "./service.ts";

/** Runs the facilitator until a signal ends it. */
async function main(): Promise<number> {
  let config;
  try {
    config = loadFacilitatorConfig(process.argv.slice(2));
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "facilitator", level: config.logLevel, output: process.stdout });
  const service = createFacilitatorService(config, logger);
  return await runUntilStopped(service, {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
