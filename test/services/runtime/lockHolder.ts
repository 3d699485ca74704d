/** Takes the lock of the folder on the command line, says so, and holds it until its input ends. */
import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { lockDataDir } from "../../../runtime/files/lockDataDir.ts";

try {
  lockDataDir(process.argv[2]!);
  process.stdout.write("held\n");
  process.stdin.on("end", () => process.exit(0)).resume();
} catch (error) {
  if (!hasErrorCode(error)) throw error;
  process.stdout.write(`${error.code}\n`);
}
