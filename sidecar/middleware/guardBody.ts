import type { IncomingMessage, ServerResponse } from "node:http";

import { BodyDigest } from "../door/BodyDigest.ts";
import { hasBody } from "./MiddlewareRequest.ts";

/**
 * Lets a handler read a body, but never its end before the digest is known to be right: the last piece is held back.
 * @returns resolves true when the body has the digest, false when it has not or ended early; of a wrong one the handler sees no end, and the connection is
 * closed when the refusal is sent
 */
export function guardBody(request: IncomingMessage, response: ServerResponse, expected: Uint8Array): Promise<boolean> {
  const digest = new BodyDigest(expected);
  if (!hasBody(request)) return Promise.resolve(digest.finish() !== undefined);
  return new Promise((resolve) => {
    const push = request.push.bind(request);
    const fail = (): void => {
      resolve(false);
      response.once("finish", () => request.destroy());
    };
    // What is in the stream already was not seen by the override below.
    const early = request.read() as Buffer | null;
    let free = early === null ? undefined : digest.pass(early);
    if (request.complete) {
      const last = digest.finish();
      if (last === undefined) return fail();
      if (last.length > 0) request.unshift(last);
      return resolve(true);
    }
    request.push = (chunk: Buffer | null): boolean => {
      if (chunk !== null) {
        free = digest.pass(chunk);
        return free === undefined || push(free);
      }
      const last = digest.finish();
      if (last === undefined) {
        fail();
        return false;
      }
      if (last.length > 0) push(last);
      resolve(true);
      return push(null);
    };
    request.once("close", () => resolve(false));
  });
}
