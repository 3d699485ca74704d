import { bundleDigest, encodeHeader, encodeRecord, fromHex, recordsHash } from "../../core/codec/index.ts";
import type { RecordInput, RecordName } from "../../core/codec/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { signDigest } from "../../runtime/crypto/secp.ts";

export interface BundleRecord<N extends RecordName = RecordName> {
  readonly op: N;
  readonly fields: RecordInput<N>;
}

export interface BundleOrder {
  readonly domainSeparator: Uint8Array;
  /** Private key, hex. */
  readonly key: string;
  readonly agent: number;
  readonly nonce: number;
  readonly records: readonly BundleRecord[];
  /** unix seconds; no end when left out */
  readonly validUntil?: number;
}

const NO_END = 0xffffffff;

/** Header and records of a signed bundle, as they stand in batch data. */
export function signedBundle(order: BundleOrder): Uint8Array {
  const { agent, nonce, records, validUntil = NO_END } = order;
  const slots = new Uint8Array((records.length + 1) * SLOT_BYTES);
  records.forEach(({ op, fields }, index) => slots.set(encodeRecord(op, fields), (index + 1) * SLOT_BYTES));
  const message = { agent, nonce, count: records.length, validUntil };
  const digest = bundleDigest({ ...message, domainSeparator: order.domainSeparator, recordsHash: recordsHash(slots, SLOT_BYTES, records.length) });
  const signature = signDigest(digest, fromHex(order.key));
  slots.set(encodeHeader({ ...message, signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }), 0);
  return slots;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
