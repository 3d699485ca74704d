import { EMPTY_BODY_DIGEST } from "./bodyDigest.ts";
import { beginFields, hashFields, putBytes, putRaw, putText, requireLength } from "./fields.ts";

/** What was delivered (docs/SIDECAR.md section 2). */
export interface HashedAnswer {
  readonly requestHash: Uint8Array;
  readonly status: number;
  /** Value of the header; default: none. */
  readonly contentType?: string | undefined;
  /** sha-256 of the body before transfer coding; default: no body, or one that is streamed after it was paid. */
  readonly bodyDigest?: Uint8Array | undefined;
}

/** 32 bytes that stand for one answer to one request. @throws SdkError `SDK_INPUT` */
export function answerHash({ requestHash, status, contentType = "", bodyDigest = EMPTY_BODY_DIGEST }: HashedAnswer): Uint8Array {
  requireLength(requestHash, 32, "a request hash");
  requireLength(bodyDigest, 32, "a body's digest");
  beginFields("agnt2/http-answer/1");
  putRaw(requestHash);
  putText(String(status));
  putText(contentType);
  putBytes(bodyDigest);
  return hashFields();
}
