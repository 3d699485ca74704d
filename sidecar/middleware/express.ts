import type { IncomingMessage, ServerResponse } from "node:http";

import type { Gate } from "../gate/Gate.ts";
import { serveGated } from "./serveGated.ts";
import type { MiddlewareOptions } from "./serveGated.ts";

/** What express, connect and the like call. */
export type ConnectMiddleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * The paid door as middleware of express (or anything connect-like): `app.use(paid(gate))`.
 *
 * Order: before body parsers (the gate may have to read the bytes; it puts them back), or after ones that keep them:
 * `express.json({ verify: (request, _response, bytes) => { request.rawBody = bytes; } })`. Compression after it: what is sold and attested is what the
 * client gets. The gate sees the whole target, wherever the middleware is mounted. Error handlers work as ever; a status that the route does not
 * charge for costs the buyer nothing.
 */
export function paid(gate: Gate, options: MiddlewareOptions = {}): ConnectMiddleware {
  return (request, response, next) => serveGated(gate, request, response, () => next(), options);
}
