import { fromBase64Url, toBase64Url } from "./base64Url.ts";
import { sealKeyId } from "./sealKey.ts";
import type { SealKey } from "./sealKey.ts";
import { plain, suite } from "./suite.ts";

/** A seal key with its private half. */
export interface SealSecret extends SealKey {
  /** X25519, 32 bytes in base64url. */
  readonly privateKey: string;
}

/** A new key for a time. Unix seconds. */
export async function createSealSecret(notBefore: number, notAfter: number): Promise<SealSecret> {
  const pair = await suite.kem.generateKeyPair();
  const [publicKey, privateKey] = await Promise.all([suite.kem.serializePublicKey(pair.publicKey), suite.kem.serializePrivateKey(pair.privateKey)]);
  const bytes = new Uint8Array(publicKey);
  return { keyId: sealKeyId(bytes), publicKey: toBase64Url(bytes), notBefore, notAfter, privateKey: toBase64Url(new Uint8Array(privateKey)) };
}

/** What may be published of it. */
export function publicPartOf({ keyId, publicKey, notBefore, notAfter }: SealSecret): SealKey {
  return { keyId, publicKey, notBefore, notAfter };
}

export function importPublic({ publicKey }: SealKey) {
  return suite.kem.deserializePublicKey(plain(fromBase64Url(publicKey)));
}

export function importPrivate({ privateKey }: SealSecret) {
  return suite.kem.deserializePrivateKey(plain(fromBase64Url(privateKey)));
}
