import type { ServerResponse } from "node:http";

import type { Sale } from "../gate/Sale.ts";
import { SidecarError } from "../SidecarError.ts";
import { BodyDigest } from "../door/BodyDigest.ts";
import { bodyWasRead, hasBody } from "./MiddlewareRequest.ts";
import type { FrameworkRequest } from "./MiddlewareRequest.ts";

/**
 * Lets a handler read a body, but never its end before the digest is known to be right, nor after the payment's time for it: the last piece is
 * held back.
 * @returns why the body is not to be worked on, `payment/digest` or `payment/expired`; a promise where it is still coming. Of such a one the handler
 * sees no end, and the connection is closed when the refusal is sent
 * @throws Error when a parser took it before and kept no bytes
 */
export function guardBody(request: FrameworkRequest, response: ServerResponse, { bodyDigest, bodyMs }: Sale): SidecarError | undefined | Promise<SidecarError | undefined> {
  if (bodyDigest === undefined) return undefined;
  const wrong = new SidecarError("payment/digest", {});
  const digest = new BodyDigest(bodyDigest);
  const endMs = Date.now() + bodyMs;
  if (!hasBody(request)) return digest.finish() === undefined ? wrong : undefined;
  if (request.rawBody !== undefined) {
    digest.pass(request.rawBody);
    return digest.finish() === undefined ? wrong : undefined;
  }
  if (request.readableDidRead && request.readableEnded) throw bodyWasRead();
  // What is in the stream already was not seen by the override below.
  const early = request.read() as Buffer | null;
  let free = early === null ? undefined : digest.pass(early);
  if (request.complete) {
    const last = digest.finish();
    if (last !== undefined && last.length > 0) request.unshift(last);
    return last === undefined ? wrong : undefined;
  }
  return new Promise((resolve) => {
    const push = request.push.bind(request);
    const fail = (problem: SidecarError): void => {
      resolve(problem);
      response.once("finish", () => request.destroy());
    };
    request.push = (chunk: Buffer | null): boolean => {
      if (chunk !== null) {
        free = digest.pass(chunk);
        return free === undefined || push(free);
      }
      const last = digest.finish();
      const isLate = Date.now() > endMs;
      if (last === undefined || isLate) {
        fail(last === undefined ? wrong : new SidecarError("payment/expired", {}));
        return false;
      }
      if (last.length > 0) push(last);
      resolve(undefined);
      return push(null);
    };
    request.once("close", () => resolve(wrong));
  });
}
