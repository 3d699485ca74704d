import { toHex } from "../../../../core/codec/index.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import * as secp from "../../../../runtime/crypto/secp.ts";
import type { Signer } from "../support/EngineHost.ts";

const keys = new Map<string, Uint8Array>();

/** The key that stands for a test address, which is not its own address. */
function keyOf(address: Uint8Array): Uint8Array {
  const name = toHex(address);
  const key = keys.get(name) ?? keccak256(address);
  keys.set(name, key);
  return key;
}

/** secp256k1, as in life. */
export const realSigner: Signer = {
  sign: (digest, address) => secp.signDigest(digest, keyOf(address)),
  verify: (digest, signature, address) => {
    const recovered = signature.length === 64 ? secp.recoverAddress(digest, signature) : null;
    return recovered !== null && toHex(recovered) === toHex(secp.addressOfKey(keyOf(address)));
  },
};

/** The address whose key really signs for a test address. */
export function realAddressOf(address: Uint8Array): Uint8Array {
  return secp.addressOfKey(keyOf(address));
}
