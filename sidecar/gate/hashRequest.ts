import { hash } from "node:crypto";

import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { EMPTY_BODY_DIGEST } from "../../sdk/x402/bodyDigest.ts";
import { parseContentDigest } from "../../sdk/x402/contentDigest.ts";
import { requestHash } from "../../sdk/x402/requestHash.ts";
import type { Route } from "../pricing/Route.ts";
import { SidecarError } from "../SidecarError.ts";
import type { BodyReader, RequestHead } from "./RequestHead.ts";
import { headerOf } from "./RequestContext.ts";

export interface HashedRequestHead {
  readonly requestHash: Uint8Array;
  /** What the body still has to be checked against as it passes. */
  readonly bodyDigest: Uint8Array | undefined;
}

function hasBody(head: RequestHead): boolean {
  if (head.isUpgrade) return false;
  if (head.hasBody !== undefined) return head.hasBody;
  const length = head.headers["content-length"];
  return head.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function finish(head: RequestHead, bodyDigest: Uint8Array, isToCheck: boolean): HashedRequestHead {
  const contentType = headerOf(head, "content-type");
  return { requestHash: requestHash({ method: head.method, target: head.target, contentType, bodyDigest }), bodyDigest: isToCheck ? bodyDigest : undefined };
}

/** The hash where it needs no byte of a body; undefined where it does. @throws SidecarError `payment/digest` */
export function hashWithoutBody(head: RequestHead): HashedRequestHead | undefined {
  const text = head.headers["content-digest"] === undefined ? undefined : headerOf(head, "content-digest");
  const declared = text === undefined ? undefined : parseContentDigest(text);
  if (!hasBody(head)) {
    if (declared !== undefined && Buffer.compare(declared, EMPTY_BODY_DIGEST) !== 0) throw new SidecarError("payment/digest", {});
    return finish(head, EMPTY_BODY_DIGEST, false);
  }
  return declared === undefined ? undefined : finish(head, declared, true);
}

/**
 * What a request is paid as. A small body is read for it; a larger one has to say its digest beforehand.
 * @throws SidecarError `payment/digest`, `payment/digest-needed`, `door/body-too-large`, and what the reader throws
 */
export function hashRequest(head: RequestHead, body: BodyReader, route: Route, hashBodyBytes: number): HashedRequestHead | Promise<HashedRequestHead> {
  const length = Number(head.headers["content-length"] ?? 0);
  if (length > route.maxBodyBytes) throw new SidecarError("door/body-too-large", { limitBytes: route.maxBodyBytes });
  const known = hashWithoutBody(head);
  if (known !== undefined) return known;
  const limitBytes = Math.min(hashBodyBytes, route.maxBodyBytes);
  if (length > limitBytes) throw new SidecarError("payment/digest-needed", { limitBytes });
  return body.read(limitBytes).then(
    (bytes) => finish(head, bytes.length === 0 ? EMPTY_BODY_DIGEST : hash("sha256", bytes, "buffer"), false),
    (error: unknown) => {
      throw hasErrorCode(error, "door/body-too-large") && limitBytes < route.maxBodyBytes ? new SidecarError("payment/digest-needed", { limitBytes }) : error;
    },
  );
}
