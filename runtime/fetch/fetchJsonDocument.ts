import { FetchError } from "./FetchError.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "./FetchPolicy.ts";
import type { FetchPolicy } from "./FetchPolicy.ts";
import { parseDocument } from "./parseDocument.ts";
import { readDataUrl } from "./readDataUrl.ts";
import { MAX_DOCUMENT_BYTES, safeRequest } from "./safeRequest.ts";

export interface DocumentOptions {
  /** Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  /** Gateway for `ipfs://`, such as `https://ipfs.example`; without one such a document is refused. Whoever configures it trusts what it serves. */
  readonly ipfsGateway?: string | undefined;
  /** Default 256 KiB. */
  readonly maxBytes?: number;
  /** For everything together. Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface JsonDocument {
  /** What it says: data of a stranger, of any shape. */
  readonly json: unknown;
  readonly bytes: Uint8Array;
}

function refuseUrl(problem: string): FetchError<"fetch/url"> {
  return new FetchError("fetch/url", { problem });
}

/** `ipfs://CID/path` at the gateway. A path that leads out of its CID is refused. */
function gatewayUrl(url: string, gateway: string | undefined): string {
  if (gateway === undefined) throw new FetchError("fetch/scheme", { scheme: "ipfs" });
  const [, cid, path = ""] = /^ipfs:\/\/(?:ipfs\/)?([A-Za-z0-9]{32,128})(\/[^?#]*)?$/.exec(url) ?? [];
  if (cid === undefined) throw refuseUrl("not ipfs://CID/path");
  const prefix = `/ipfs/${cid}`;
  const target = new URL(`${prefix}${path}`, gateway);
  if (target.pathname !== prefix && !target.pathname.startsWith(`${prefix}/`)) throw refuseUrl("it leads out of its CID");
  return target.href;
}

/**
 * A JSON document that a stranger has named: `https://`, `ipfs://` through the gateway, or `data:application/json`. Bounded in size and
 * time, never from a private address unless the policy says so; what it says is not checked.
 * @throws FetchError
 */
export async function fetchJsonDocument(url: string, options: DocumentOptions = {}): Promise<JsonDocument> {
  const { maxBytes = MAX_DOCUMENT_BYTES, ipfsGateway } = options;
  if (/^data:/i.test(url)) {
    const bytes = readDataUrl(url, maxBytes);
    return { json: parseDocument(bytes), bytes };
  }
  const isIpfs = url.startsWith("ipfs:");
  const target = isIpfs ? gatewayUrl(url, ipfsGateway) : url;
  // The gateway is the operator's own word, and may be on this machine. Where it redirects to is a stranger's: sites on IPFS may say it.
  const policies = isIpfs ? { policy: LOCAL_POLICY, redirectPolicy: options.policy ?? PUBLIC_POLICY } : { policy: options.policy };
  const answer = await safeRequest(target, { ...options, ...policies });
  if (answer.status !== 200) {
    const host = URL.parse(target)?.host ?? "";
    const isLater = answer.status === 408 || answer.status === 429 || answer.status >= 500;
    throw new FetchError("fetch/status", { host, status: answer.status }, { reaction: isLater ? "retry" : "reject" });
  }
  return { json: parseDocument(answer.body), bytes: answer.body };
}
