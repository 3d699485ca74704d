import type { Reaction } from "../errors/CodedError.ts";
import { TabledError } from "../errors/TabledError.ts";
import type { ErrorTable } from "../errors/TabledError.ts";

/** Error codes of `runtime/fetch`. Hosts and addresses are those of the document's URL, never a credential. */
export type FetchErrors = {
  "fetch/url": { readonly problem: string };
  "fetch/scheme": { readonly scheme: string };
  "fetch/port": { readonly port: number };
  "fetch/address": { readonly host: string; readonly address: string };
  "fetch/dns": { readonly host: string };
  "fetch/network": { readonly host: string };
  "fetch/timeout": { readonly host: string; readonly timeoutMs: number };
  "fetch/aborted": { readonly host: string };
  "fetch/status": { readonly host: string; readonly status: number };
  "fetch/redirects": { readonly host: string; readonly most: number };
  "fetch/tooLarge": { readonly maxBytes: number };
  "fetch/encoding": { readonly encoding: string };
  "fetch/truncated": { readonly host: string };
  "fetch/json": { readonly problem: string };
};

const TEXTS: ErrorTable<FetchErrors> = {
  "fetch/url": { reaction: "reject", what: "A URL is not taken", todo: "Name the document by an https, ipfs or data URL without credentials" },
  "fetch/scheme": { reaction: "reject", what: "Nothing is fetched by this scheme", todo: "Use https, ipfs (with a gateway configured) or data:application/json" },
  "fetch/port": { reaction: "reject", what: "Nothing is fetched from this port", todo: "Serve the document on port 443 or 8443" },
  "fetch/address": { reaction: "reject", what: "The host leads to an address that is not of the public internet", todo: "Serve the document publicly; on a local chain, allow private addresses in the configuration" },
  "fetch/dns": { reaction: "retry", what: "The host's name has no address", todo: "Check the name" },
  "fetch/network": { reaction: "retry", what: "The host cannot be reached", todo: "Check the host and its certificate" },
  "fetch/timeout": { reaction: "retry", what: "The host took too long", todo: "Serve the document faster" },
  "fetch/aborted": { reaction: "retry", what: "The request was called off" },
  "fetch/status": { reaction: "reject", what: "The host answered with another status than 200", todo: "Serve the document under the URL that is registered" },
  "fetch/redirects": { reaction: "reject", what: "The host redirects on and on", todo: "Name the document's own URL" },
  "fetch/tooLarge": { reaction: "reject", what: "The document is too large, packed or unpacked", todo: "Make it smaller" },
  "fetch/encoding": { reaction: "reject", what: "The document is packed in a way that is not understood, or brokenly", todo: "Serve it plain, or packed once with gzip, deflate or br" },
  "fetch/truncated": { reaction: "retry", what: "The connection ended before the document", todo: "Check the host" },
  "fetch/json": { reaction: "reject", what: "The document is not JSON that is taken", todo: "Make it JSON in UTF-8, at most 32 levels deep" },
};

/** What a code says to everybody: without the names and addresses that this machine's network may have told. */
export function describeFetchError(code: keyof FetchErrors): string {
  return TEXTS[code].what;
}

/** Why an untrusted document was not taken. `retry`: it may be there later. `reject`: this URL or document will not do. */
export class FetchError<K extends keyof FetchErrors = keyof FetchErrors> extends TabledError<FetchErrors, K> {
  constructor(code: K, payload: FetchErrors[K], options: { cause?: unknown; reaction?: Reaction } = {}) {
    const why = Object.entries(payload).map(([name, value]) => `${name}: ${String(value)}`).join(", ");
    super(TEXTS, code, payload, { ...options, why });
  }
}
