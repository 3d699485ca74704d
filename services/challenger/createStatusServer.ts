import type { IncomingMessage, ServerResponse } from "node:http";

import { toError } from "../../runtime/errors/CodedError.ts";
import { answerJson, createStatusServer as createServer } from "../../runtime/metrics/createStatusServer.ts";
import type { StatusServer, StatusServerOptions as ServerOptions } from "../../runtime/metrics/createStatusServer.ts";
import type { TravellingHead } from "./evidence/HeadBook.ts";

export interface StatusServerOptions extends Omit<ServerOptions, "posts"> {
  /** Takes a head that somebody saw; undefined on a chain without operators. Throws for what is no head. */
  readonly addHead?: ((head: TravellingHead) => "new" | "known" | "contradiction" | "foreign") | undefined;
}

/** About 250 heads. */
const MAX_BODY_BYTES = 65_536;

/** @throws CodedError, SyntaxError for a body that is no list of heads */
async function readHeads(request: IncomingMessage): Promise<TravellingHead[]> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    if ((bytes += piece.length) > MAX_BODY_BYTES) throw new RangeError("the body is too large");
    pieces.push(piece);
  }
  const heads: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  if (!Array.isArray(heads)) throw new TypeError("the body is no list");
  return heads as TravellingHead[];
}

/**
 * What an operator watches it by. POST /v1/heads, on a chain with operators, takes signed heads that others saw, a list of
 * `{slot, position, head, signature}`: a contradiction among them is reported on L1. Nothing else can be changed.
 */
export function createStatusServer({ addHead, ...options }: StatusServerOptions): StatusServer {
  if (addHead === undefined) return createServer(options);
  async function takeHeads(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const counts: Record<string, number> = {};
      for (const head of await readHeads(request)) {
        const verdict = addHead!(head);
        counts[verdict] = (counts[verdict] ?? 0) + 1;
      }
      answerJson(response, 200, counts);
    } catch (error) {
      answerJson(response, 400, { error: { code: "http/body", message: toError(error).message, todo: "Send a JSON list of {slot, position, head, signature}, at most 64 KiB" } });
    }
  }
  return createServer({ ...options, posts: { "/v1/heads": takeHeads } });
}
