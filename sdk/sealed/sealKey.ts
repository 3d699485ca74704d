import { getAddress, verifyTypedData } from "ethers";
import { z } from "zod";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { fromBase64Url } from "./base64Url.ts";

/** A public key that bodies for an agent are sealed to. */
export interface SealKey {
  /** First 8 bytes of the keccak-256 of the key, hex: tells the agent which of its keys was used. */
  readonly keyId: string;
  /** X25519, 32 bytes in base64url. */
  readonly publicKey: string;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The same with the agent's word for it. */
export interface SignedSealKey extends SealKey {
  /** EIP-712, 65 bytes in hex. */
  readonly signature: string;
}

/** Whose key it is. */
export interface SealKeyOwner {
  /** The agent's own key. */
  readonly address: string;
  /** Of the L1. */
  readonly chainId: number;
}

/** The part of an ethers signer that is needed. */
export interface StatementSigner {
  signTypedData(domain: { name: string; version: string; chainId: number }, types: Record<string, { name: string; type: string }[]>, value: Record<string, unknown>): Promise<string>;
}

/** A card holds the key of now and those beside it while they change. */
export const MAX_SEAL_KEYS = 4;
const TYPES = {
  SealKey: [{ name: "agent", type: "address" }, { name: "publicKey", type: "bytes32" }, { name: "notBefore", type: "uint64" }, { name: "notAfter", type: "uint64" }],
};
const seconds = z.int().min(0).max(2 ** 40);
const signedSealKey = z.object({
  keyId: z.string().regex(/^0x[0-9a-f]{16}$/),
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  notBefore: seconds,
  notAfter: seconds,
  signature: z.string().regex(/^0x[0-9a-fA-F]{130}$/),
});

/** @param publicKey 32 bytes */
export function sealKeyId(publicKey: Uint8Array): string {
  return toHex(keccak256(publicKey).subarray(0, 8));
}

function statementOf({ address, chainId }: SealKeyOwner, { publicKey, notBefore, notAfter }: SealKey) {
  const domain = { name: "agnt2 seal key", version: "1", chainId };
  return { domain, value: { agent: getAddress(address), publicKey: toHex(fromBase64Url(publicKey)), notBefore, notAfter } };
}

/** The agent says that the key is its own. */
export async function signSealKey(signer: StatementSigner, owner: SealKeyOwner, key: SealKey): Promise<SignedSealKey> {
  const { domain, value } = statementOf(owner, key);
  return { ...key, signature: await signer.signTypedData(domain, TYPES, value) };
}

/** Whether the key is what it says, and the agent has signed it. Its time is `chooseSealKey`'s business. */
export function isSealKeyOf(owner: SealKeyOwner, key: SignedSealKey): boolean {
  try {
    const { domain, value } = statementOf(owner, key);
    if (key.keyId !== sealKeyId(fromHex(value.publicKey, 32)) || key.notAfter <= key.notBefore) return false;
    return verifyTypedData(domain, TYPES, value, key.signature).toLowerCase() === owner.address.toLowerCase();
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** The keys of a card's extension that have the right shape and signature: what a stranger wrote beside them is passed over. */
export function readSealKeys(json: unknown, owner: SealKeyOwner): SignedSealKey[] {
  if (!Array.isArray(json)) return [];
  return json.slice(0, MAX_SEAL_KEYS).flatMap((item: unknown) => {
    const { success, data } = signedSealKey.safeParse(item);
    return success && isSealKeyOf(owner, data) ? [data] : [];
  });
}

/** The key to seal to: of those that are good now, the one that came last. */
export function chooseSealKey<K extends SealKey>(keys: readonly K[], nowSeconds: number): K | undefined {
  const good = keys.filter(({ notBefore, notAfter }) => notBefore <= nowSeconds && nowSeconds < notAfter);
  return good.reduce<K | undefined>((best, key) => (best === undefined || key.notBefore > best.notBefore ? key : best), undefined);
}
