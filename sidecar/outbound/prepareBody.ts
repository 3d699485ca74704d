import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

import { EMPTY_BODY_DIGEST } from "../../sdk/x402/bodyDigest.ts";
import { parseContentDigest } from "../../sdk/x402/contentDigest.ts";
import { SidecarError } from "../SidecarError.ts";

/** A request's body as it will be sent, perhaps more than once. */
export interface PreparedBody {
  /** A stream can be sent once. */
  readonly content: Uint8Array | Readable | undefined;
  /** sha-256; undefined for a stream whose digest nobody has named. */
  readonly digest: Uint8Array | undefined;
  readonly contentType: string | undefined;
}

export const NO_BODY: PreparedBody = { content: undefined, digest: EMPTY_BODY_DIGEST, contentType: undefined };

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Pieces of a stream up to a limit, and the rest of it if there is more. */
async function readUpTo(stream: Readable, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly rest: Readable | undefined }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const pieces = stream.iterator({ destroyOnReturn: false });
  for await (const piece of pieces as AsyncIterable<Buffer | string>) {
    const chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes <= maxBytes) continue;
    const head = chunks;
    const rest = Readable.from(
      (async function* () {
        yield* head;
        yield* stream;
      })(),
      { objectMode: false },
    );
    return { bytes: Buffer.concat(chunks, bytes), rest };
  }
  return { bytes: Buffer.concat(chunks, bytes), rest: undefined };
}

/** A stream: kept whole if it is small, else sent as it is, once. */
export async function prepareStream(stream: Readable, contentDigest: string | undefined, maxBytes: number, contentType?: string): Promise<PreparedBody> {
  const { bytes, rest } = await readUpTo(stream, maxBytes);
  if (rest !== undefined) return { content: rest, digest: parseContentDigest(contentDigest), contentType };
  return bytes.length === 0 ? { ...NO_BODY, contentType } : { content: bytes, digest: sha256(bytes), contentType };
}

/**
 * A body as `fetch` takes it: what can be sent twice is hashed; a stream is kept if it is small.
 * @throws SidecarError `buy/body` for one that is larger than this buyer keeps and has no digest
 */
export async function prepareBody(body: RequestInit["body"], contentDigest: string | undefined, maxBytes: number): Promise<PreparedBody> {
  if (body === null || body === undefined) return NO_BODY;
  if (typeof body === "string") {
    const bytes = Buffer.from(body);
    return { content: bytes, digest: sha256(bytes), contentType: "text/plain;charset=UTF-8" };
  }
  if (body instanceof Uint8Array) return { content: body, digest: sha256(body), contentType: undefined };
  // The platform's own rules for the rest: boundaries of forms, types of blobs, views of buffers.
  const whole = new Response(body);
  const contentType = whole.headers.get("content-type") ?? undefined;
  if (body instanceof globalThis.ReadableStream) {
    const prepared = await prepareStream(Readable.fromWeb(body as ReadableStream), contentDigest, maxBytes, contentType);
    if (prepared.digest === undefined) throw new SidecarError("buy/body", { limitBytes: maxBytes });
    return prepared;
  }
  const bytes = new Uint8Array(await whole.arrayBuffer());
  return { content: bytes, digest: sha256(bytes), contentType };
}
