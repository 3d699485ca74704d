import { CoreError } from "../errors.ts";
import { EIP712, SLOT_BYTES } from "../generated/protocol.ts";
import { absorbSlots, keccak256 } from "../hash/index.ts";
import { setU64 } from "./integers.ts";

const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/** keccak256 of ASCII text. */
export function hashText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return keccak256(bytes);
}

/** What makes an EIP-712 domain. */
export interface TypedDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number | bigint;
  /** 20 bytes. */
  readonly verifyingContract: Uint8Array;
}

/** The EIP-712 separator of a domain with name, version, chain id and contract. */
export function typedDomainSeparator({ name, version, chainId, verifyingContract }: TypedDomain): Uint8Array {
  if (verifyingContract.length !== 20) throw new CoreError("codec/length", `An address has 20 bytes, not ${verifyingContract.length}.`);
  const words = new Uint8Array(160);
  words.set(hashText(DOMAIN_TYPE), 0);
  words.set(hashText(name), 32);
  words.set(hashText(version), 64);
  let rest = BigInt(chainId);
  for (let i = 127; i >= 96; i -= 1, rest >>= 8n) words[i] = Number(rest & 255n);
  words.set(verifyingContract, 140);
  return keccak256(words);
}

/** The EIP-712 domain separator of a chain: its L1's chain id and its Inbox (B-5). */
export function domainSeparator(domain: { chainId: number | bigint; inbox: Uint8Array }): Uint8Array {
  return typedDomainSeparator({ name: EIP712.name, version: EIP712.version, chainId: domain.chainId, verifyingContract: domain.inbox });
}

/** EIP-712 digest of a struct: keccak256(0x1901 ‖ domain separator ‖ struct hash). */
export function typedDigest(separator: Uint8Array, structHash: Uint8Array): Uint8Array {
  const message = new Uint8Array(66);
  message[0] = 0x19;
  message[1] = 0x01;
  message.set(separator, 2);
  message.set(structHash, 34);
  return keccak256(message);
}

/** The running hash of `count` 96-byte slots from `offset` on (B-4). */
export function recordsHash(slots: Uint8Array, offset = 0, count = slots.length / SLOT_BYTES): Uint8Array {
  const hash = new Uint8Array(32);
  absorbSlots(hash, slots, offset, count);
  return hash;
}

/** What a bundle's signature covers. */
export interface BundleMessage {
  readonly domainSeparator: Uint8Array;
  readonly agent: number;
  readonly nonce: number;
  readonly count: number;
  readonly validUntil: number;
  readonly recordsHash: Uint8Array;
}

const bundleType = hashText(EIP712.Bundle);

/** The 32 bytes that are signed for a bundle (B-5). */
export function bundleDigest(message: BundleMessage): Uint8Array {
  const words = new Uint8Array(192);
  const view = new DataView(words.buffer);
  words.set(bundleType, 0);
  view.setUint32(60, message.agent);
  setU64(view, 88, message.nonce);
  view.setUint16(126, message.count);
  view.setUint32(156, message.validUntil);
  words.set(message.recordsHash, 160);
  return typedDigest(message.domainSeparator, keccak256(words));
}
