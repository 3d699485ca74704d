import type { IncomingMessage, ServerResponse } from "node:http";

import { SdkError, sealedFetch } from "../../../sdk/index.ts";
import type { FetchLike, SealedPartner } from "../../../sdk/index.ts";
import { SidecarError } from "../../SidecarError.ts";
import type { Buyer } from "../createBuyer.ts";
import { endToEnd, RECEIPT_HEADER, requestHeaders } from "./relay.ts";
import type { RelayOptions, RelayTarget } from "./relay.ts";

/** With the value 1: the body goes sealed to the agent's key, and its answer comes opened. */
export const SEAL_HEADER = "agnt2-seal";

async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new SidecarError("door/body-too-large", { limitBytes });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/**
 * As `relay`, with everything but method, path and headers sealed on the way; whole bodies only.
 * @throws SidecarError `gateway/seal` for an agent without keys, or an answer that is not sealed or does not open
 */
export async function relaySealed(buyer: Buyer, request: IncomingMessage, response: ServerResponse, target: RelayTarget, partnerOf: () => Promise<SealedPartner>, options: RelayOptions): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the caller went away"));
  });
  const { "content-type": contentType = "", ...headers } = requestHeaders(request, options);
  // They speak of the body that was sealed.
  for (const name of ["content-digest", "content-encoding", "accept-encoding"]) delete headers[name];
  const body = await readBody(request, options.keepBodyBytes);
  let receiptId: number | undefined;
  const pay: FetchLike = async (url, init) => {
    const paid = await buyer.fetch(url, { ...init, redirect: "manual" });
    receiptId = buyer.receipts.of(paid)?.id;
    return paid;
  };
  let answer: Response;
  let opened: Uint8Array;
  try {
    answer = await sealedFetch(pay, await partnerOf(), target.url, { method: request.method ?? "", headers, contentType, body, payer: buyer.payer, signal: gone.signal });
    opened = new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    if (error instanceof SdkError) throw new SidecarError("gateway/seal", { problem: error.message }, { cause: error });
    throw error;
  }
  const kept = endToEnd([...answer.headers].flat(), undefined).filter(([name]) => !["content-length", "content-encoding", RECEIPT_HEADER.toLowerCase()].includes(name.toLowerCase()));
  if (receiptId !== undefined) kept.push([RECEIPT_HEADER, String(receiptId)]);
  response.writeHead(answer.status, [...kept, ["content-length", String(opened.length)]].flat());
  response.end(opened);
}
