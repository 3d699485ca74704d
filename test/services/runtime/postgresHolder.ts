/** Holds a share in the embedded PostgreSQL of the folder on the command line, says its port, and waits to be killed. */
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { startEmbeddedPostgres } from "../../../runtime/postgres/embedded/startEmbeddedPostgres.ts";

const { port } = await startEmbeddedPostgres({ folder: process.argv[2]!, logger: silentLogger });
process.stdout.write(`${port}\n`);
