import type { IncomingHttpHeaders } from "node:http";
import type { Duplex, Readable } from "node:stream";

import type { PreparedBody } from "./prepareBody.ts";
import type { Receipt } from "./Receipt.ts";

/** A request for a seller, as the gateway, the proxy and `fetch` make it. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case; without hop-by-hop headers and payments. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: PreparedBody;
  /** Who must be paid, where that is known: address of the agent that was named. */
  readonly payee?: string | undefined;
  /** Most redirects to follow while nothing has been paid. Default 0: a redirect is an answer. */
  readonly maxRedirects?: number;
  /** `Connection: Upgrade`, with the headers that ask for it. */
  readonly isUpgrade?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface OutboundAnswer {
  /** Where it came from in the end. */
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came. */
  readonly rawHeaders: readonly string[];
  /** As it came, packed or not. */
  readonly body: Readable;
  /** Of a trailer section, when the body has ended. */
  readonly trailers: () => NodeJS.Dict<string>;
  readonly upgraded: { readonly socket: Duplex; readonly head: Buffer } | undefined;
  /** Undefined: it cost nothing. */
  readonly receiptId: number | undefined;
}

export type BuyerEvent =
  /** The end of what a payment brought: money moved, or never will. */
  | { readonly kind: "paid" | "freed" | "open" | "unknown"; readonly receipt: Receipt }
  /** What came is not what the seller signed, or its signature is none. */
  | { readonly kind: "disputed"; readonly receipt: Receipt }
  /** In the background. */
  | { readonly kind: "trouble"; readonly error: Error };
