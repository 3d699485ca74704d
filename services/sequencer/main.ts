import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { BACKUP_COMMANDS, runBackupCommand } from "./backup/runBackupCommand.ts";
import { loadSequencerConfig } from "./config.ts";
import { createSequencerService } from "./service.ts";

/** Runs the sequencer until a signal ends it, or saves or restores its data. */
async function main(): Promise<number> {
  const [command = "", ...flags] = process.argv.slice(2);
  if (BACKUP_COMMANDS.includes(command)) return await runBackupCommand(command, flags, process.stdout);
  let config;
  try {
    config = loadSequencerConfig(process.argv.slice(2));
  } catch (error) {
    if (!hasErrorCode(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const logger = createLogger({ service: "sequencer", level: config.logLevel, output: process.stdout });
  const service = createSequencerService(config, logger);
  return await runUntilStopped(service, {
    signals: process,
    exitNow: (code) => process.exit(code),
    onError: (error) => logger.error({ err: error }, error.message),
  });
}

process.exit(await main());
