import { sdkError } from "../SdkError.ts";
import { openAnswer, SEALED_TYPE, sealRequest } from "./seal.ts";
import type { SealKey } from "./sealKey.ts";

/** The part of `fetch` that is needed: a buyer's, which pays, or the runtime's own. */
export type FetchLike = (url: string, init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string | Uint8Array<ArrayBuffer>; readonly signal?: AbortSignal }) => Promise<Response>;

export interface SealedRequestInit {
  /** One with a body: POST, PUT, PATCH, DELETE. */
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly contentType?: string | undefined;
  readonly body: string | Uint8Array;
  /** The address that pays for it, where that is known: then it is of no use to anybody else. */
  readonly payer?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whom it is sealed for. */
export interface SealedPartner {
  /** The agent's own address. */
  readonly address: string;
  readonly encryptionKey: SealKey | undefined;
}

/** Most that is read of a sealed answer, which cannot be opened in pieces. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw sdkError("SDK_SEALED", `the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/**
 * Asks an agent with a sealed body, through whatever pays, and opens its answer. What the payer hashes and pays for is the ciphertext.
 * An answer that is not sealed is handed out only where it is no success: a refusal by somebody on the way.
 * @throws SdkError `SDK_SEALED`, `SDK_INPUT`
 */
export async function sealedFetch(fetchLike: FetchLike, { address, encryptionKey }: SealedPartner, url: string, init: SealedRequestInit): Promise<Response> {
  if (encryptionKey === undefined) throw sdkError("SDK_INPUT", "the agent has no key for sealed bodies");
  const method = init.method.toUpperCase();
  if (method === "GET" || method === "HEAD") throw sdkError("SDK_INPUT", "a sealed request needs a method with a body");
  const { pathname, search } = new URL(url);
  const plainBody = typeof init.body === "string" ? new TextEncoder().encode(init.body) : init.body;
  const { body, answerKey } = await sealRequest(encryptionKey, { method, target: `${pathname}${search}`, seller: address, payer: init.payer }, { contentType: init.contentType ?? "", body: plainBody });
  const headers = { ...init.headers, "content-type": SEALED_TYPE, accept: SEALED_TYPE };
  const response = await fetchLike(url, { method, headers, body: new Uint8Array(body), ...(init.signal === undefined ? {} : { signal: init.signal }) });
  const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const isBodiless = [204, 205, 304].includes(response.status);
  if (type !== SEALED_TYPE) {
    // What has no body has nothing to seal; that it was answered so is what the attestation says.
    if (response.status < 400 && !isBodiless) throw sdkError("SDK_SEALED", `the answer with status ${response.status} is not sealed`);
    return response;
  }
  const opened = await openAnswer(answerKey, response.status, await readBounded(response));
  const kept = new Headers([...response.headers].filter(([name]) => !["content-type", "content-length", "content-encoding"].includes(name)));
  if (opened.contentType !== "") kept.set("content-type", opened.contentType);
  return new Response(isBodiless ? null : new Uint8Array(opened.body), { status: response.status, headers: kept });
}
