import { recordsHash } from "../core/codec/bundle.ts";
import { encodeHeader } from "../core/codec/header.ts";
import { AUTH, MAX_BUNDLE_RECORDS, MAX_FORCED_SLOTS, SLOT_BYTES } from "../core/generated/protocol.ts";
import type { BundleDomain, BundleSigner } from "./BundleSigner.ts";
import { sdkError } from "./SdkError.ts";

/** What one bundle holds. */
export interface BundleContent {
  readonly agent: number;
  readonly nonce: number;
  /** Unix seconds of chain time after which the bundle is void. */
  readonly validUntil: number;
  /** 96-byte records, 1 to 512. */
  readonly records: readonly Uint8Array[];
}

/**
 * Signs records as one bundle (RULES B-5): the header slot, then the records.
 * @throws SdkError `SDK_INPUT`, `SDK_SIGNER`
 */
export async function buildBundle(content: BundleContent, signer: BundleSigner, domain: BundleDomain): Promise<Uint8Array> {
  const { agent, nonce, validUntil, records } = content;
  if (records.length === 0 || records.length > MAX_BUNDLE_RECORDS) throw sdkError("SDK_INPUT", `a bundle has 1 to ${MAX_BUNDLE_RECORDS} records, not ${records.length}`);
  const bytes = new Uint8Array(SLOT_BYTES * (1 + records.length));
  records.forEach((record, index) => bytes.set(record, SLOT_BYTES * (1 + index)));
  const hash = recordsHash(bytes, SLOT_BYTES, records.length);
  const { r, vs } = await signer.signBundle({ agent, nonce, count: records.length, validUntil, recordsHash: hash }, domain);
  bytes.set(encodeHeader({ auth: AUTH.SIGNATURE, count: records.length, agent, nonce, validUntil, signatureR: r, signatureVs: vs }), 0);
  return bytes;
}

/**
 * Records as one bundle for `Inbox.force`, where the owner's transaction stands for a signature (RULES H-4, L1_SENDER).
 * @throws SdkError `SDK_INPUT`
 */
export function buildForcedBundle({ agent, nonce, validUntil, records }: BundleContent): Uint8Array {
  const most = MAX_FORCED_SLOTS - 1;
  if (records.length === 0 || records.length > most) throw sdkError("SDK_INPUT", `a forced bundle has 1 to ${most} records, not ${records.length}`);
  const bytes = new Uint8Array(SLOT_BYTES * (1 + records.length));
  bytes.set(encodeHeader({ auth: AUTH.L1_SENDER, count: records.length, agent, nonce, validUntil }), 0);
  records.forEach((record, index) => bytes.set(record, SLOT_BYTES * (1 + index)));
  return bytes;
}
