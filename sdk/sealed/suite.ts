import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

/** HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
export const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** `info` of every context. */
export const INFO = new TextEncoder().encode("agnt2/sealed/1");
/** What the answer's secret is exported under. */
export const ANSWER_CONTEXT = new TextEncoder().encode("agnt2/sealed-answer/1");
export const SECRET_BYTES = 32;
export const ENC_BYTES = 32;
export const TAG_BYTES = 16;

/** WebCrypto takes views of plain buffers only. */
export function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** field(x) of docs/SIDECAR.md section 2, one after the other. */
export function fieldsOf(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const bytes = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part));
  const joined = new Uint8Array(bytes.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const part of bytes) {
    new DataView(joined.buffer).setUint32(at, part.length);
    joined.set(part, at + 4);
    at += 4 + part.length;
  }
  return joined;
}
