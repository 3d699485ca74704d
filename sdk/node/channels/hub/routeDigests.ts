import { hashText, typedDigest } from "../../../../core/codec/bundle.ts";
import { setU64 } from "../../../../core/codec/integers.ts";
import { keccak256 } from "../../../../core/hash/index.ts";

const TYPES = {
  routeKey: hashText("RouteKey(address agent,bytes publicKey)"),
  invoice: hashText("Invoice(bytes32 quoteHash,bytes32 hashlock,uint64 price,uint40 goodUntil)"),
  answer: hashText("Answer(bytes32 hashlock,uint8 status,bytes32 responseHash)"),
};

function digest(separator: Uint8Array, type: Uint8Array, fields: readonly (number | Uint8Array)[]): Uint8Array {
  const words = new Uint8Array(32 + 32 * fields.length);
  const view = new DataView(words.buffer);
  words.set(type, 0);
  for (const [place, field] of fields.entries()) {
    const end = 64 + 32 * place;
    if (typeof field === "number") setU64(view, end - 8, field);
    else words.set(field, end - field.length);
  }
  return typedDigest(separator, keccak256(words));
}

/** What a payee promises for a quote: this price, against this hashlock. */
export interface Invoice {
  /** keccak256 of the quote's bytes before they were sealed. */
  readonly quoteHash: Uint8Array;
  readonly hashlock: Uint8Array;
  /** Units. */
  readonly price: number;
  /** L1 time in seconds until which a lock is taken for it. */
  readonly goodUntil: number;
}

/** The 32 bytes that an agent signs for the key that requests to it are sealed to. */
export function routeKeyDigest(separator: Uint8Array, agent: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return digest(separator, TYPES.routeKey, [agent, keccak256(publicKey)]);
}

/** The 32 bytes that the payee signs for an invoice. */
export function invoiceDigest(separator: Uint8Array, { quoteHash, hashlock, price, goodUntil }: Invoice): Uint8Array {
  return digest(separator, TYPES.invoice, [quoteHash, hashlock, price, goodUntil]);
}

/** The 32 bytes that the payee signs for its answer. */
export function answerDigest(separator: Uint8Array, answer: { readonly hashlock: Uint8Array; readonly status: number; readonly responseHash: Uint8Array }): Uint8Array {
  return digest(separator, TYPES.answer, [answer.hashlock, answer.status, answer.responseHash]);
}
