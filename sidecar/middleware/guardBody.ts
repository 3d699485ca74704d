import type { ServerResponse } from "node:http";

import { BodyDigest } from "../door/BodyDigest.ts";
import { bodyWasRead, hasBody } from "./MiddlewareRequest.ts";
import type { FrameworkRequest } from "./MiddlewareRequest.ts";

/**
 * Lets a handler read a body, but never its end before the digest is known to be right: the last piece is held back.
 * @returns whether the body has the digest; a promise where it is still coming. Of a wrong one the handler sees no end, and the connection is closed when
 * the refusal is sent
 * @throws Error when a parser took it before and kept no bytes
 */
export function guardBody(request: FrameworkRequest, response: ServerResponse, expected: Uint8Array): boolean | Promise<boolean> {
  const digest = new BodyDigest(expected);
  if (!hasBody(request)) return digest.finish() !== undefined;
  if (request.rawBody !== undefined) {
    digest.pass(request.rawBody);
    return digest.finish() !== undefined;
  }
  if (request.readableDidRead && request.readableEnded) throw bodyWasRead();
  // What is in the stream already was not seen by the override below.
  const early = request.read() as Buffer | null;
  let free = early === null ? undefined : digest.pass(early);
  if (request.complete) {
    const last = digest.finish();
    if (last !== undefined && last.length > 0) request.unshift(last);
    return last !== undefined;
  }
  return new Promise((resolve) => {
    const push = request.push.bind(request);
    const fail = (): void => {
      resolve(false);
      response.once("finish", () => request.destroy());
    };
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
