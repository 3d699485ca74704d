import { createRequire } from "node:module";

import { keccak_256 } from "@noble/hashes/sha3.js";

/** Which library does the work: the native one is two to five times as fast; WebAssembly runs everywhere. */
export type SecpBackendName = "secp256k1 (native)" | "tiny-secp256k1 (wasm)";

interface SecpBackend {
  readonly name: SecpBackendName;
  /** r‖s with low s, and the recovery bit. */
  sign(digest32: Uint8Array, key32: Uint8Array): { readonly signature: Uint8Array; readonly recoveryId: number };
  /** 65 bytes that begin with 0x04. @throws when there is no such key */
  recover(digest32: Uint8Array, signature64: Uint8Array, recoveryId: number): Uint8Array | null;
  /** 65 bytes that begin with 0x04. */
  publicKey(key32: Uint8Array): Uint8Array;
  isKey(key32: Uint8Array): boolean;
}

const require = createRequire(import.meta.url);

function loadNative(): SecpBackend | undefined {
  let native: typeof import("secp256k1");
  try {
    // The package's own entry falls back to slow JavaScript without a word, so the binding is asked for by name.
    native = require("secp256k1/bindings") as typeof import("secp256k1");
  } catch {
    return undefined;
  }
  return {
    name: "secp256k1 (native)",
    sign: (digest32, key32) => {
      const { signature, recid } = native.ecdsaSign(digest32, key32);
      return { signature, recoveryId: recid };
    },
    recover: (digest32, signature64, recoveryId) => native.ecdsaRecover(signature64, recoveryId, digest32, false),
    publicKey: (key32) => native.publicKeyCreate(key32, false),
    isKey: (key32) => native.privateKeyVerify(key32),
  };
}

function loadWasm(): SecpBackend {
  const wasm = require("tiny-secp256k1") as typeof import("tiny-secp256k1");
  return {
    name: "tiny-secp256k1 (wasm)",
    sign: (digest32, key32) => wasm.signRecoverable(digest32, key32),
    recover: (digest32, signature64, recoveryId) => wasm.recover(digest32, signature64, recoveryId as 0 | 1, false),
    publicKey: (key32) => wasm.pointFromScalar(key32, false)!,
    isKey: (key32) => wasm.isPrivate(key32),
  };
}

/** Signature functions over one backend. */
export interface Secp {
  readonly backend: SecpBackendName;
  /**
   * Signs a digest.
   * @returns 64 bytes in the compact form of EIP-2098: r, then s (always the low one) with the recovery bit on top
   * @throws RangeError when the digest or the key has the wrong size, or the key is zero or not below the group's order
   */
  signDigest(digest32: Uint8Array, key32: Uint8Array): Uint8Array;
  /** The signer's public key, 64 bytes, or null when the signature is not a valid one (a high s included). */
  recoverPublicKey(digest32: Uint8Array, signature64: Uint8Array): Uint8Array | null;
  /** The signer's address, 20 bytes, or null when the signature is not a valid one. */
  recoverAddress(digest32: Uint8Array, signature64: Uint8Array): Uint8Array | null;
  /** The same of a signature in two halves: r, then s with the recovery bit. */
  recoverSigner(digest32: Uint8Array, signatureR: Uint8Array, signatureVs: Uint8Array): Uint8Array | null;
  /** The address of a private key, 20 bytes. */
  addressOfKey(key32: Uint8Array): Uint8Array;
}

/** Half of the group's order, big endian: a canonical s is not above it. */
const HALF_ORDER = Uint8Array.from(Buffer.from("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", "hex"));

function isLowS(signature: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) {
    const difference = signature[32 + index]! - HALF_ORDER[index]!;
    if (difference !== 0) return difference < 0;
  }
  return true;
}

function createSecp(backend: SecpBackend): Secp {
  const requireKey = (key32: Uint8Array): void => {
    if (key32.length !== 32 || !backend.isKey(key32)) throw new RangeError("Not a secp256k1 private key of 32 bytes.");
  };

  const recoverPublicKey = (digest32: Uint8Array, signature64: Uint8Array): Uint8Array | null => {
    if (digest32.length !== 32 || signature64.length !== 64) return null;
    const recoveryId = signature64[32]! >> 7;
    const plain = Uint8Array.from(signature64);
    plain[32] = plain[32]! & 0x7f;
    if (!isLowS(plain)) return null;
    try {
      return backend.recover(digest32, plain, recoveryId)?.subarray(1) ?? null;
    } catch {
      // Both libraries throw for r or s out of range and for an r that is not on the curve: not a signature.
      return null;
    }
  };

  const recoverAddress = (digest32: Uint8Array, signature64: Uint8Array): Uint8Array | null => {
    const key = recoverPublicKey(digest32, signature64);
    return key === null ? null : keccak_256(key).subarray(12);
  };

  return {
    backend: backend.name,
    signDigest(digest32, key32) {
      if (digest32.length !== 32) throw new RangeError(`A digest has 32 bytes, not ${digest32.length}.`);
      requireKey(key32);
      const { signature, recoveryId } = backend.sign(digest32, key32);
      const compact = Uint8Array.from(signature);
      compact[32] = compact[32]! | (recoveryId << 7);
      return compact;
    },
    recoverPublicKey,
    recoverAddress,
    recoverSigner(digest32, signatureR, signatureVs) {
      if (signatureR.length !== 32 || signatureVs.length !== 32) return null;
      const signature = new Uint8Array(64);
      signature.set(signatureR);
      signature.set(signatureVs, 32);
      return recoverAddress(digest32, signature);
    },
    addressOfKey(key32) {
      requireKey(key32);
      return keccak_256(backend.publicKey(key32).subarray(1)).subarray(12);
    },
  };
}

/** Every backend that loads here, the best first; tests run against each. */
export function loadSecpBackends(): Secp[] {
  return [loadNative(), loadWasm()].filter((backend) => backend !== undefined).map(createSecp);
}

const chosen: Secp = createSecp(loadNative() ?? loadWasm());

/** Name of the library in use; services log it when they start. */
export const backend: SecpBackendName = chosen.backend;
export const signDigest: Secp["signDigest"] = chosen.signDigest;
export const recoverPublicKey: Secp["recoverPublicKey"] = chosen.recoverPublicKey;
export const recoverAddress: Secp["recoverAddress"] = chosen.recoverAddress;
export const recoverSigner: Secp["recoverSigner"] = chosen.recoverSigner;
export const addressOfKey: Secp["addressOfKey"] = chosen.addressOfKey;
