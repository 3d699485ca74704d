import { EMPTY_BODY_DIGEST } from "./bodyDigest.ts";
import { beginFields, hashFields, putBytes, putText, requireLength } from "./fields.ts";

/** What is bought, as far as a payment names it (docs/SIDECAR.md section 2). */
export interface HashedRequest {
  /** As sent; methods are case-sensitive. */
  readonly method: string;
  /** Path and query exactly as in the request line; HTTP/2: `:path`. */
  readonly target: string;
  /** Value of the header; default: none. */
  readonly contentType?: string | undefined;
  /** sha-256 of the body as sent; default: no body. */
  readonly bodyDigest?: Uint8Array | undefined;
}

/** 32 bytes that stand for one request. @throws SdkError `SDK_INPUT` */
export function requestHash({ method, target, contentType = "", bodyDigest = EMPTY_BODY_DIGEST }: HashedRequest): Uint8Array {
  requireLength(bodyDigest, 32, "a body's digest");
  beginFields("agnt2/http-request/1");
  putText(method);
  putText(target);
  putText(contentType);
  putBytes(bodyDigest);
  return hashFields();
}
