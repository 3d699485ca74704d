import { addressOfPublicKey } from "../codec/signature.ts";
import type { Side } from "./ChannelConfig.ts";
import { ackDigest, voucherDigest } from "./digests.ts";
import type { Ack, Voucher } from "./digests.ts";
import { ChannelError } from "./engine/ChannelCode.ts";
import { ACK_HEAD_BYTES, RESULT_BYTES, readAckFrame } from "./engine/frames/ackFrame.ts";
import { CALLS_HEAD_BYTES, ENTRY, absorbEntries, readCallsFrame } from "./engine/frames/callsFrame.ts";
import { absorbItems, sameBytes } from "./engine/runningHash.ts";

/** One signed head of a running hash, and the way to it from the item that is proven. */
interface Path {
  /** The hash before the first item. */
  readonly before: Uint8Array;
  /** The items up to the signed head, the proven one first. */
  readonly items: Uint8Array;
  /** How many. */
  readonly count: number;
}

/** That a call was made at a price, and, if there is an answer, what came back: for anyone, later. */
export interface CallProof {
  readonly call: Path & { readonly voucher: Voucher; readonly signature: Uint8Array };
  readonly answer: (Path & { readonly ack: Ack; readonly signature: Uint8Array }) | undefined;
}

/** What a valid proof says. */
export interface ProvenCall {
  readonly payer: Side;
  readonly sequence: number;
  readonly price: number;
  readonly requestHash: Uint8Array;
  readonly status: number | undefined;
  readonly responseHash: Uint8Array | undefined;
  /** Who signed, 20 bytes each: compare with the parties and their grants. */
  readonly signers: { readonly payer: Uint8Array; readonly payee: Uint8Array | undefined };
}

/** Recovers a public key of 64 bytes from a compact signature, or an address of 20; null if it is none. */
export type Recover = (digest: Uint8Array, signature: Uint8Array) => Uint8Array | null;

/**
 * The proof of one call from the frames of a log: the CALLS frame that has it, and the ACK frame that has its answer. Both with
 * their signatures (a payer's own CALLS record has none yet: sign the voucher's digest again).
 * @throws ChannelError channel/sequence if the frames do not have the call
 */
export function proveCall(payer: Side, sequence: number, callsFrame: Uint8Array, ackFrame?: Uint8Array): CallProof {
  const missing = (): never => {
    throw new ChannelError("channel/sequence", `The frames do not have call ${sequence}.`);
  };
  const calls = readCallsFrame(callsFrame);
  const place = sequence - calls.before - 1;
  const at = calls.offsets[place] ?? missing();
  if (calls.bytes[at] !== ENTRY.CALL) missing();
  const end = place === calls.entries - 1 ? at + 49 : calls.offsets[calls.entries - 1] + (calls.bytes[calls.offsets[calls.entries - 1]] === ENTRY.LOCK ? 54 : 49);
  const { version, paid, locksHash, hash } = calls;
  const call = {
    before: absorbEntries(calls.hashBefore, calls.bytes, CALLS_HEAD_BYTES, place), items: calls.bytes.slice(at, end), count: calls.entries - place, voucher: { payer, version, sequence: calls.sequence, paid, locksHash: locksHash.slice(), callsHash: hash.slice() }, signature: calls.signature.slice(),
  };
  if (ackFrame === undefined) return { call, answer: undefined };
  const ack = readAckFrame(ackFrame);
  const result = ack.sequences.indexOf(sequence);
  if (result < 0) missing();
  const from = ACK_HEAD_BYTES + result * RESULT_BYTES;
  const answer = {
    before: absorbItems(ack.hashBefore, ack.bytes, ACK_HEAD_BYTES, RESULT_BYTES, result), items: ack.bytes.slice(from, ACK_HEAD_BYTES + ack.count * RESULT_BYTES), count: ack.count - result,
    ack: { payer, version: ack.version, sequence: ack.sequence, callsHash: ack.callsHash.slice(), results: ack.results, resultsHash: ack.hash.slice() }, signature: ack.signature.slice(),
  };
  return { call, answer };
}

function readNumber(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 8; i++) value = value * 256 + bytes[at + i];
  return value;
}

function addressOf(recovered: Uint8Array | null): Uint8Array {
  if (recovered === null) throw new ChannelError("channel/signature", "The proof has a signature of nobody.");
  return recovered.length === 20 ? recovered : addressOfPublicKey(recovered.length === 65 ? recovered : Uint8Array.of(4, ...recovered));
}

/**
 * Checks a proof: the paths, the signatures, and that answer and call belong together. Who signed is returned, not judged.
 * @throws ChannelError channel/hash, channel/signature, channel/frame
 */
export function verifyCallProof(separator: Uint8Array, channelId: Uint8Array, proof: CallProof, recover: Recover): ProvenCall {
  const { call, answer } = proof;
  const { voucher } = call;
  if (call.items.length < 49 || call.items[0] !== ENTRY.CALL) throw new ChannelError("channel/frame", "The proof is of no call.");
  if (!sameBytes(absorbChecked(call), voucher.callsHash)) throw new ChannelError("channel/hash", "The path does not lead to the voucher.");
  const sequence = readNumber(call.items, 1);
  if (sequence !== voucher.sequence - call.count + 1) throw new ChannelError("channel/sequence", "The voucher has another sequence.");
  const payer = addressOf(recover(voucherDigest(separator, channelId, voucher), call.signature));
  const proven = { payer: voucher.payer, sequence, price: readNumber(call.items, 9), requestHash: call.items.slice(17, 49) };
  if (answer === undefined) return { ...proven, status: undefined, responseHash: undefined, signers: { payer, payee: undefined } };
  if (answer.items.length !== answer.count * RESULT_BYTES || answer.count < 1 || readNumber(answer.items, 0) !== sequence || answer.ack.payer !== voucher.payer || answer.ack.sequence < sequence) throw new ChannelError("channel/result", "The answer is another call's.");
  if (!sameBytes(absorbItems(answer.before, answer.items, 0, RESULT_BYTES, answer.count), answer.ack.resultsHash)) throw new ChannelError("channel/hash", "The path does not lead to the Ack.");
  const payee = addressOf(recover(ackDigest(separator, channelId, answer.ack), answer.signature));
  return { ...proven, status: answer.items[8], responseHash: answer.items.slice(9, 41), signers: { payer, payee } };
}

/** The running hash over entries that came from anywhere: their number and lengths must fit. */
function absorbChecked({ before, items, count }: Path): Uint8Array {
  let at = 0;
  for (let i = 0; i < count; i++) {
    const kind = items[at];
    if (!(kind >= ENTRY.CALL && kind <= ENTRY.DROP)) throw new ChannelError("channel/frame", "An entry of no kind.");
    at += kind === ENTRY.LOCK ? 54 : 49;
  }
  if (at !== items.length || before.length !== 32) throw new ChannelError("channel/frame", "The path has another length.");
  return absorbEntries(before, items, 0, count);
}
