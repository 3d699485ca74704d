import { createCipheriv, createDecipheriv, createECDH, hkdfSync } from "node:crypto";

import { sdkError } from "../../../SdkError.ts";

const CURVE = "secp256k1";
const CIPHER = "aes-256-gcm";
const POINT_BYTES = 33;
const TAG_BYTES = 16;
const CONTEXT = Buffer.from("agnt2 sealed v1");
/** A key seals one message, so its nonce can be fixed. */
const NONCE = Buffer.alloc(12);
/** Lengths are rounded up to this many bytes: who passes a message on learns little of its size. */
const PADDED_TO = 256;
const LENGTH_BYTES = 4;

/** A key that messages are sealed to: no key of money. */
export interface SealKey {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** Compressed, 33 bytes. */
  readonly publicKey: Uint8Array;
}

/** A fresh key, or the one of `secret`. */
export function createSealKey(secret?: Uint8Array): SealKey {
  const pair = createECDH(CURVE);
  if (secret === undefined) pair.generateKeys();
  else pair.setPrivateKey(secret);
  // Node drops leading zeros.
  const bytes = new Uint8Array(32);
  const key = pair.getPrivateKey();
  bytes.set(key, 32 - key.length);
  return { secret: bytes, publicKey: new Uint8Array(pair.getPublicKey(null, "compressed")) };
}

function contentKey(shared: Uint8Array, ephemeral: Uint8Array, recipient: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, Buffer.concat([ephemeral, recipient]), CONTEXT, 32));
}

/**
 * Encrypts for whoever has the secret of `publicKey`: ECIES with a fresh key on secp256k1, HKDF-SHA256 and AES-256-GCM. It hides the
 * content and shows changes; it does not say who wrote it.
 * @throws SdkError `SDK_INPUT` for a public key that is no point
 */
export function seal(publicKey: Uint8Array, content: Uint8Array): Uint8Array {
  const once = createSealKey();
  const pair = createECDH(CURVE);
  pair.setPrivateKey(once.secret);
  let shared: Uint8Array;
  try {
    shared = pair.computeSecret(publicKey);
  } catch (error) {
    throw sdkError("SDK_INPUT", "that is no public key to seal to", {}, error);
  }
  const padded = new Uint8Array(Math.ceil((LENGTH_BYTES + content.length) / PADDED_TO) * PADDED_TO);
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, LENGTH_BYTES);
  const cipher = createCipheriv(CIPHER, contentKey(shared, once.publicKey, publicKey), NONCE);
  return new Uint8Array(Buffer.concat([once.publicKey, cipher.update(padded), cipher.final(), cipher.getAuthTag()]));
}

/** What was sealed; undefined if it was not sealed to this key, or was changed on the way. */
export function unseal(key: SealKey, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < POINT_BYTES + TAG_BYTES + PADDED_TO) return undefined;
  const ephemeral = sealed.subarray(0, POINT_BYTES);
  const pair = createECDH(CURVE);
  pair.setPrivateKey(key.secret);
  try {
    const decipher = createDecipheriv(CIPHER, contentKey(pair.computeSecret(ephemeral), ephemeral, key.publicKey), NONCE);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const padded = Buffer.concat([decipher.update(sealed.subarray(POINT_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
    const length = padded.readUInt32BE(0);
    return length > padded.length - LENGTH_BYTES ? undefined : new Uint8Array(padded.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  } catch (error) {
    // No point of the curve, or the tag does not fit: whoever sent it is at fault.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
