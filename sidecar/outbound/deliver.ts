import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";

import { toError } from "../../runtime/errors/CodedError.ts";
import { answerHash } from "../../sdk/x402/answerHash.ts";
import { SidecarError } from "../SidecarError.ts";
import type { Paid } from "./Exchange.ts";
import { hexOf } from "./hexOf.ts";
import type { OutboundAnswer } from "./OutboundRequest.ts";
import type { TransportAnswer } from "./transport/createTransport.ts";
import type { AnswerHead, Fate, Payment, Proof } from "./ways/BuyerWay.ts";

/** Nothing is decided about the payment: the seller may still take it. */
export const UNAVAILABLE_STATUS = 503;

/** An answer to a payment, and who wants to know what comes of it. */
export interface PaidAnswer extends Paid {
  readonly requestHash: Uint8Array;
  readonly head: AnswerHead;
  /** What became of the money; may be told after the answer. */
  readonly telling: Promise<Fate>;
  readonly isCallerGone: () => boolean;
  readonly onUncharged: () => void;
  /** The answer broke off on its way, or is still to come: it may be had with the same payment. */
  readonly onCut: (paid: Paid) => void;
  readonly onTrouble: (error: Error) => void;
}

async function prove(response: IncomingMessage, { head, requestHash, payment }: { readonly head: AnswerHead; readonly requestHash: Uint8Array; readonly payment: Payment }, bodyDigest: Uint8Array): Promise<{ readonly whole: string; readonly proof: Proof }> {
  const hashed = { requestHash, status: head.status, contentType: head.header("content-type") };
  const whole = answerHash({ ...hashed, bodyDigest });
  // What was paid before its bytes came has no length in its head.
  const streamedHash = head.header("content-length") !== undefined ? undefined : answerHash(hashed);
  const header = (name: string): string | undefined => head.header(name) ?? response.trailers[name];
  return { whole: hexOf(whole), proof: await payment.prove({ ...head, header, answerHash: whole, streamedHash }) };
}

/** Hands an answer on as it comes; one that was paid for is hashed on the way, and its receipt is written when it has ended. */
export function deliver({ response, upgraded }: TransportAnswer, url: URL, paid: PaidAnswer | undefined): OutboundAnswer {
  const common = {
    url: url.href, status: response.statusCode ?? 0, statusText: response.statusMessage ?? "", headers: response.headers, rawHeaders: response.rawHeaders, trailers: () => response.trailers, upgraded,
  };
  if (paid === undefined) return { ...common, body: response, receiptId: undefined };
  const { entry, telling, head, payment, way } = paid;
  const amount = BigInt(payment.requirement.amount);

  const end = async (whole?: string, proof?: Proof): Promise<void> => {
    const fate = await telling;
    if (fate === "open" && head.status < 400) paid.onUncharged();
    entry.end(fate, { status: head.status, answerHash: whole, proof, amount });
    if (fate === "open" && head.status === UNAVAILABLE_STATUS) paid.onCut(paid);
  };
  const background = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      entry.end("open", { status: head.status });
      paid.onTrouble(toError(error));
    });
  };
  if (upgraded !== undefined) {
    background(end());
    return { ...common, body: response, receiptId: entry.id };
  }

  const hash = createHash("sha256");
  let isWhole = false;
  let isBroken = false;
  const body = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
    flush: (done) => {
      isWhole = true;
      const finished = prove(response, paid, hash.digest()).then(({ whole, proof }) => end(whole, proof));
      // Where another log has the payment nobody waits for the receipt.
      if (way.isReservedFirst) background(finished.finally(done));
      else {
        background(finished);
        done();
      }
    },
  });
  const broken = (error: Error): void => {
    isBroken = !paid.isCallerGone();
    body.destroy(error);
  };
  response.on("error", broken);
  response.on("aborted", () => broken(new SidecarError("buy/unreachable", { host: url.host })));
  body.on("close", () => {
    if (isWhole) return;
    // What was cut off on the way may be had with the same payment; a stream is sold once, and a caller that went away wants nothing.
    const isCut = isBroken && head.header("content-length") !== undefined;
    response.destroy();
    background(end().then(() => (isCut && entry.receipt.state !== "dead" ? paid.onCut(paid) : undefined)));
  });
  response.pipe(body);
  return { ...common, body, receiptId: entry.id };
}
