import { secp256k1 } from "@noble/curves/secp256k1.js";

import { keccak256 } from "../hash/index.ts";

const ORDER = secp256k1.Point.Fn.ORDER;

function toBigint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/** The 20-byte address of an uncompressed public key of 65 bytes. */
export function addressOfPublicKey(publicKey: Uint8Array): Uint8Array {
  return keccak256(publicKey.subarray(1)).slice(12);
}

/** Recovers the signer of a digest from a compact signature, null for none. */
export type Recover = (digest: Uint8Array, signatureR: Uint8Array, signatureVs: Uint8Array) => Uint8Array | null;

/**
 * The address whose key made a compact signature (B-5, EIP-2098: r, then parity bit ‖ s), null if it recovers nothing or s is
 * above half the order. Plain JavaScript: for replicas and disputes; busy intakes use a native library.
 */
export function recoverSigner(digest: Uint8Array, signatureR: Uint8Array, signatureVs: Uint8Array): Uint8Array | null {
  const r = toBigint(signatureR);
  const vs = toBigint(signatureVs);
  const s = vs & ((1n << 255n) - 1n);
  if (r === 0n || r >= ORDER || s === 0n || s > ORDER / 2n) return null;
  try {
    const point = new secp256k1.Signature(r, s, Number(vs >> 255n)).recoverPublicKey(digest);
    return addressOfPublicKey(point.toBytes(false));
  } catch (error) {
    // r is no point of the curve, or the key would be the point at infinity; anything else is a bug.
    if (error instanceof Error) return null;
    throw error;
  }
}
