import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { SidecarError } from "../../SidecarError.ts";

export interface CallerRules {
  /** Bearer token that callers need. Default: none. */
  readonly token?: string | undefined;
  /** Web pages that may call, such as `http://localhost:3000`. Default: none. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Names by which this machine is called besides its loopback ones, such as a container's. */
  readonly allowedHosts?: readonly string[] | undefined;
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Takes as long for every wrong token. */
export function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/**
 * Money is spent for whoever may call: programs of this machine, not web pages that its browser shows. A page tells its origin, or that it
 * is another site's; one whose name was pointed to this machine (DNS rebinding) tells that name as the host.
 * @throws SidecarError `gateway/caller`, `gateway/token`
 */
export function requireLocalCaller({ headers }: IncomingMessage, { token, allowedOrigins = [], allowedHosts = [] }: CallerRules): void {
  const [, name = ""] = HOST.exec(headers.host ?? "") ?? [];
  if (!LOOPBACK.test(name.toLowerCase()) && !allowedHosts.some((host) => host.toLowerCase() === name.toLowerCase())) throw new SidecarError("gateway/caller", { problem: "another host's name" });
  const { origin } = headers;
  const isAllowedOrigin = origin !== undefined && allowedOrigins.includes(origin);
  if (origin !== undefined && !isAllowedOrigin) throw new SidecarError("gateway/caller", { problem: "a web page" });
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "none" && site !== "same-origin" && !isAllowedOrigin) throw new SidecarError("gateway/caller", { problem: "a web page of another site" });
  if (token === undefined) return;
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? "") ?? [];
  if (bearer === undefined || !isSameSecret(bearer, token)) throw new SidecarError("gateway/token", {});
}
