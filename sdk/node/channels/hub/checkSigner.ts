import { fromHex, toHex } from "../../../../core/codec/hex.ts";
import { recoverSigner } from "../../../../core/codec/signature.ts";

/** Whether `address` made the 64-byte signature. */
export function isSignedBy(address: string, digest: Uint8Array, signature: Uint8Array): boolean {
  const signer = recoverSigner(digest, signature.subarray(0, 32), signature.subarray(32));
  return signer !== null && toHex(signer) === toHex(fromHex(address, 20));
}
