import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";

/**
 * The sender of RFC 9180 in base mode, written from its text with Node's own functions: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and
 * AES-128-GCM (aead 1) or AES-256-GCM (aead 2).
 */
export interface SealedByReference {
  readonly ciphertext: Buffer;
  exported(context: Uint8Array, length: number): Buffer;
}

const bytes = (value: number, length: number): Buffer => {
  const buffer = Buffer.alloc(length);
  buffer.writeUIntBE(value, 0, length);
  return buffer;
};
const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac("sha256", key).update(data).digest();

function expand(prk: Uint8Array, info: Uint8Array, length: number): Buffer {
  let block: Buffer = Buffer.alloc(0);
  let output: Buffer = Buffer.alloc(0);
  for (let counter = 1; output.length < length; counter += 1) {
    block = hmac(prk, Buffer.concat([block, info, bytes(counter, 1)]));
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, length);
}

function labelled(suiteId: Uint8Array) {
  const version = Buffer.from("HPKE-v1");
  return {
    extract: (salt: Uint8Array, label: string, ikm: Uint8Array): Buffer => hmac(salt.length === 0 ? Buffer.alloc(32) : salt, Buffer.concat([version, suiteId, Buffer.from(label), ikm])),
    expand: (prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer => expand(prk, Buffer.concat([bytes(length, 2), version, suiteId, Buffer.from(label), info]), length),
  };
}

function sharedPoint(secret: Uint8Array, publicKey: Uint8Array): Buffer {
  const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]), format: "der", type: "pkcs8" });
  const theirs = createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), publicKey]), format: "der", type: "spki" });
  return diffieHellman({ privateKey, publicKey: theirs });
}

export interface ReferenceKeys {
  readonly aead: 1 | 2;
  /** The sender's private key and public key, the receiver's public key. */
  readonly skE: Uint8Array;
  readonly pkE: Uint8Array;
  readonly pkR: Uint8Array;
}

export function sealByReference({ aead, skE, pkE, pkR }: ReferenceKeys, info: Uint8Array, aad: Uint8Array, text: Uint8Array): SealedByReference {
  const kem = labelled(Buffer.concat([Buffer.from("KEM"), bytes(0x20, 2)]));
  const shared = kem.expand(kem.extract(Buffer.alloc(0), "eae_prk", sharedPoint(skE, pkR)), "shared_secret", Buffer.concat([pkE, pkR]), 32);
  const hpke = labelled(Buffer.concat([Buffer.from("HPKE"), bytes(0x20, 2), bytes(1, 2), bytes(aead, 2)]));
  const none = Buffer.alloc(0);
  const context = Buffer.concat([bytes(0, 1), hpke.extract(none, "psk_id_hash", none), hpke.extract(none, "info_hash", info)]);
  const secret = hpke.extract(shared, "secret", none);
  const key = hpke.expand(secret, "key", context, aead === 1 ? 16 : 32);
  const nonce = hpke.expand(secret, "base_nonce", context, 12);
  const exporter = hpke.expand(secret, "exp", context, 32);
  const cipher = createCipheriv(aead === 1 ? "aes-128-gcm" : "aes-256-gcm", key, nonce).setAAD(aad);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return { ciphertext: Buffer.concat([sealed, cipher.getAuthTag()]), exported: (of, length) => hpke.expand(exporter, "sec", of, length) };
}
