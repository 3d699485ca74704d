import { parseArgs } from "node:util";

import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { createBackup } from "./createBackup.ts";
import { restoreBackup, verifyBackup } from "./restoreBackup.ts";

const USAGE = `Usage:
  backup  --data-dir DIR --to BACKUP     save the data, also while the sequencer runs
  verify  --from BACKUP                  compare a backup with its manifest
  restore --from BACKUP --data-dir DIR   make an empty folder the data of a sequencer
`;
const MIB = 1024 * 1024;

/** The commands that a sequencer has besides running. */
export const BACKUP_COMMANDS: readonly string[] = ["backup", "verify", "restore"];

/** Runs one of them and returns the exit code: 0, 1 for a failure, 2 for a wrong call. */
export async function runBackupCommand(command: string, flags: readonly string[], output: { write(text: string): unknown }): Promise<number> {
  const onFile = (path: string): void => void output.write(`  ${path}\n`);
  try {
    const { "data-dir": dataDir = "", to = "", from = "" } = parseArgs({ args: [...flags], options: { "data-dir": { type: "string" }, to: { type: "string" }, from: { type: "string" } } }).values;
    if (command === "backup" && dataDir !== "" && to !== "") {
      const { files, bytes } = await createBackup(dataDir, to, systemClock, onFile);
      output.write(`Saved ${files} files, ${(bytes / MIB).toFixed(1)} MiB, in ${to}.\n`);
    } else if (command === "verify" && from !== "") {
      const { files } = await verifyBackup(from, onFile);
      output.write(`All ${files} files are as they were saved.\n`);
    } else if (command === "restore" && dataDir !== "" && from !== "") {
      const { files } = await restoreBackup(from, dataDir, onFile);
      output.write(`Restored ${files} files to ${dataDir}.\nWhat was acknowledged after the backup is not in it: read "Backup and restore" in the runbook before you start.\n`);
    } else {
      output.write(USAGE);
      return 2;
    }
    return 0;
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true) {
      output.write(`${(error as Error).message}\n${USAGE}`);
      return 2;
    }
    if (!hasErrorCode(error)) throw error;
    output.write(`${error.message}\n`);
    return 1;
  }
}
