import { secp256k1 } from "@noble/curves/secp256k1.js";

import { domainSeparator, fromHex, recordsHash, toHex } from "../../core/codec/index.ts";
import { bundleHash, headDigest, nextHead, rootDigest } from "../../core/codec/heads.ts";
import { AnswerWriter } from "../../core/codec/stream.ts";

export const TEST_INBOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const TEST_SEQUENCER_KEY = `0x${"22".repeat(32)}`;
export const TEST_SEPARATOR = domainSeparator({ chainId: 31337, inbox: fromHex(TEST_INBOX) });

/** What a sequencer says of a bundle, true unless changed. */
export interface AnswerFacts {
  readonly key?: string;
  readonly previous?: Uint8Array;
  readonly position?: number;
  readonly headPosition?: number;
  readonly headSlot?: number;
  readonly firstReceipt?: number;
  /** Outcome of each record; one OK by default. */
  readonly outcomes?: readonly number[];
  /** The bundle that the head is made of, when it is another one. */
  readonly signedFor?: Uint8Array;
}

export function signWith(key: string, digest: Uint8Array): Uint8Array {
  const bytes = secp256k1.sign(digest, fromHex(key), { prehash: false, lowS: true, format: "recovered" });
  const signature = bytes.slice(1);
  if (bytes[0] === 1) signature[32]! |= 0x80;
  return signature;
}

/** A message with the answers that `write` gives. */
export function messageOf(write: (answers: AnswerWriter) => void): Uint8Array {
  const answers = new AnswerWriter();
  write(answers);
  return answers.take();
}

function factsOf(bundle: Uint8Array, facts: AnswerFacts) {
  const { key = TEST_SEQUENCER_KEY, position = 0, firstReceipt = 5, outcomes = [0], signedFor = bundle, headSlot = 0 } = facts;
  const headPosition = facts.headPosition ?? position + outcomes.length;
  const previous = new Uint8Array(32);
  // Alone in its group: the bundle's hash is the group's root.
  const head = nextHead(previous, bundleHash(signedFor, recordsHash(signedFor, 96, signedFor.length / 96 - 1)), headPosition);
  const signature = signWith(key, headDigest(TEST_SEPARATOR, headSlot, headPosition, head));
  return { position, firstReceipt, outcomes, previous: facts.previous ?? previous, head, headSlot, headPosition, signature };
}

/** The DURABLE answer of the stream for a bundle that is alone in its group. */
export function durableMessage(request: number, bundle: Uint8Array, facts: AnswerFacts = {}): Uint8Array {
  const { position, firstReceipt, outcomes, previous, head, headSlot, headPosition, signature } = factsOf(bundle, facts);
  const record = { position, firstReceipt, outcomes: Uint8Array.from(outcomes), slots: new Uint32Array(outcomes.length).fill(3), ids: new Float64Array(outcomes.length).fill(9) };
  return messageOf((answers) => answers.durable(request, record, { previous, head, slot: headSlot, position: headPosition, index: 0, signature, path: new Uint8Array(0) }));
}

/** The same as the JSON of `POST /v1/bundles`. */
export function durableJson(bundle: Uint8Array, facts: AnswerFacts = {}): Record<string, unknown> {
  const { position, firstReceipt, outcomes, previous, head, headSlot, headPosition, signature } = factsOf(bundle, facts);
  const results = outcomes.map((outcome) => ({ outcome, code: null, slot: 3, id: 9 }));
  return { level: "durable", position, firstReceipt, results, previous: toHex(previous), head: toHex(head), headPosition, headSlot, index: 0, signature: toHex(signature), path: "0x" };
}

/** A root over so many records and batches. */
export function signedRoot(position: number, batchCount: number, key = TEST_SEQUENCER_KEY): { stateRoot: Uint8Array; signature: Uint8Array } {
  const stateRoot = new Uint8Array(32).fill(7);
  return { stateRoot, signature: signWith(key, rootDigest(TEST_SEPARATOR, position, batchCount, stateRoot)) };
}
