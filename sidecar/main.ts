import { hasErrorCode, toError } from "../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../runtime/logger/createLogger.ts";
import { loadSidecarConfig } from "./config.ts";
import { createSidecar } from "./createSidecar.ts";
import { logEvent } from "./process/logEvent.ts";

/** Runs the sidecar until a signal ends it; SIGHUP has it read its prices again. */
async function main(): Promise<number> {
  const flags = process.argv.slice(2);
  let config;
  try {
    config = loadSidecarConfig(flags);
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "sidecar", level: config.settings.logLevel, output: process.stdout });
  const sidecar = createSidecar({ config, logger, onEvent: (event) => logEvent(logger, event) });
  process.on("SIGHUP", () => {
    const read = async (): Promise<void> => sidecar.replacePrices(loadSidecarConfig(flags));
    read().catch((error: unknown) => logger.error({ err: toError(error) }, "The prices stay as they were."));
  });
  return await runUntilStopped(sidecar, {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
