import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { toError } from "../../errors/CodedError.ts";
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts";

const USER = "postgres";
const SETPRIV_PATHS = ["/usr/bin/setpriv", "/bin/setpriv"];

/** Who the server runs as, when that is not who we are. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

function lookUp(name: string): ServerUser | undefined {
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((each) => each.startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * PostgreSQL refuses to run as root. As root this returns the system's `postgres` user, made when there is none; as
 * anybody else the server runs as we do.
 * @throws EmbeddedPostgresError `embeddedPostgres/user`
 */
export function findServerUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp(USER);
  if (existing !== undefined) return existing;
  let cause: unknown;
  try {
    execFileSync("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", USER], { stdio: "pipe" });
  } catch (error) {
    cause = error;
  }
  const created = lookUp(USER);
  if (created !== undefined) return created;
  throw new EmbeddedPostgresError("embeddedPostgres/user", { user: USER }, "stop", {
    what: `PostgreSQL does not run as root, and a user ${USER} could not be made`,
    why: cause === undefined ? undefined : toError(cause).message,
    todo: "Make that user, start as another user, or configure a PostgreSQL or Redis of your own",
  }, { cause });
}

/** The first folder above `path` that `user` may not pass through. */
function closedFolder(path: string, user: ServerUser): string | undefined {
  const parent = dirname(path);
  if (parent === path) return undefined;
  const { mode, uid, gid } = statSync(parent);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return closedFolder(parent, user) ?? ((mode & bit) === 0 ? parent : undefined);
}

/** A command line, and how to spawn it. */
export interface Launch {
  readonly command: string;
  readonly args: string[];
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

/**
 * How to run `file` as `user`. Where the project lies in a folder that only root may enter (/root in most containers),
 * the server keeps root's right to pass through folders, and no other.
 * @throws EmbeddedPostgresError `embeddedPostgres/unreadable`
 */
export function launchAs(user: ServerUser | undefined, file: string, dataDir: string, args: string[]): Launch {
  if (user === undefined) return { command: file, args, identity: {} };
  const closed = closedFolder(file, user) ?? closedFolder(dataDir, user);
  if (closed === undefined) return { command: file, args, identity: user };
  const setpriv = SETPRIV_PATHS.find((path) => existsSync(path));
  if (setpriv === undefined) {
    throw new EmbeddedPostgresError("embeddedPostgres/unreadable", { path: closed, uid: user.uid }, "stop", {
      what: `PostgreSQL runs as user ${user.uid}, which may not enter ${closed}`,
      todo: "Move the project or its data folder, or start as another user than root",
    });
  }
  const capabilities = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"];
  return { command: setpriv, args: [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", ...capabilities, "--", file, ...args], identity: {} };
}
