import { addressOfKey, signDigest } from "../../../../runtime/crypto/secp.ts";

/** Who signs for an agent: its principal, or a session key. */
export interface ChannelSigner {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** True for a signer outside of this process: it is asked only once what it is to sign is on disk. */
  readonly isRemote?: boolean;
  /** 64 bytes in the compact form of EIP-2098. A signer in this process answers at once. */
  sign(digest32: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * A key that this process holds, in the fastest library that loads here.
 * @throws RangeError when it is no secp256k1 key of 32 bytes
 */
export function createLocalSigner(key32: Uint8Array): ChannelSigner {
  return { address: Uint8Array.from(addressOfKey(key32)), sign: (digest32) => signDigest(digest32, key32) };
}
