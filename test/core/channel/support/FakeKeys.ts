import { keccak256 } from "../../../../core/hash/index.ts";

/**
 * Signatures for tests that need thousands of them: 64 bytes made from the digest and the key's address. Who has no key object
 * "cannot" make them; who verifies makes them again.
 */
export function fakeSignature(digest: Uint8Array, address: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64);
  for (let i = 0; i < 32; i++) {
    signature[i] = digest[i] ^ address[i % 20];
    signature[63 - i] = digest[i] + address[(i * 7) % 20] + 0x5a;
  }
  return signature;
}

export function isFakeSignature(digest: Uint8Array, signature: Uint8Array, signer: Uint8Array): boolean {
  const right = fakeSignature(digest, signer);
  return signature.length === 64 && signature.every((byte, i) => byte === right[i]);
}

/** An address for a name. */
export function addressOf(name: string): Uint8Array {
  return keccak256(new TextEncoder().encode(name)).slice(12);
}
