import { Signature, Transaction, TypedDataEncoder, getAddress, getBytes, hexlify } from "ethers";

import { addressOfKey, signDigest } from "../crypto/secp.ts";
import type { LocalKeySigner, TransactionToSign, TypedData } from "./KeySigner.ts";

/** @param key32 kept in memory until the process ends; @throws RangeError when it is no private key */
export function createLocalSigner(key32: Uint8Array): LocalKeySigner {
  const key = Uint8Array.from(key32);
  const address = getAddress(hexlify(addressOfKey(key)));
  const sign = (digest: string): Signature => Signature.from(hexlify(signDigest(getBytes(digest), key)));
  // The key is held by the closures alone, so that printing the signer cannot show it.
  return {
    kind: "local",
    address,
    signDigest: (digest32) => signDigest(digest32, key),
    async signTypedData({ domain, types, message }: TypedData) {
      const { EIP712Domain: _domain, ...messageTypes } = types;
      return sign(TypedDataEncoder.hash(domain, messageTypes as Parameters<typeof TypedDataEncoder.hash>[1], message)).serialized;
    },
    async signTransaction({ gas, nonce, ...rest }: TransactionToSign) {
      const transaction = Transaction.from({ ...rest, gasLimit: gas, nonce: Number(nonce) });
      transaction.signature = sign(transaction.unsignedHash);
      return transaction.serialized;
    },
  };
}
