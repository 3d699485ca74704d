import { EIP712 } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import { typedDigest } from "./bundle.ts";
import { setU64 } from "./integers.ts";

const encoder = new TextEncoder();
const headType = keccak256(encoder.encode(EIP712.Head));
const rootType = keccak256(encoder.encode(EIP712.Root));

/** What identifies a bundle in the order: keccak256(header slot ‖ running hash of its records). */
export function bundleHash(bundle: Uint8Array, recordsHash: Uint8Array): Uint8Array {
  const message = new Uint8Array(128);
  message.set(bundle.subarray(0, 96));
  message.set(recordsHash, 96);
  return keccak256(message);
}

/** keccak256(previous head ‖ group root ‖ u64 position); position counts the records up to and including the group. */
export function nextHead(previous: Uint8Array, groupRoot: Uint8Array, position: number): Uint8Array {
  const message = new Uint8Array(72);
  message.set(previous);
  message.set(groupRoot, 32);
  setU64(new DataView(message.buffer), 64, position);
  return keccak256(message);
}

function words(type: Uint8Array, first: number, second: number, last: Uint8Array): Uint8Array {
  const message = new Uint8Array(128);
  const view = new DataView(message.buffer);
  message.set(type);
  setU64(view, 56, first);
  setU64(view, 88, second);
  message.set(last, 96);
  return keccak256(message);
}

/** EIP-712 digest of `Head(slot, position, head)`. The slot is 0 on a chain without operators. */
export function headDigest(domainSeparator: Uint8Array, slot: number, position: number, head: Uint8Array): Uint8Array {
  return typedDigest(domainSeparator, words(headType, slot, position, head));
}

/** EIP-712 digest of `Root(position, batchCount, stateRoot)`. */
export function rootDigest(domainSeparator: Uint8Array, position: number, batchCount: number, stateRoot: Uint8Array): Uint8Array {
  return typedDigest(domainSeparator, words(rootType, position, batchCount, stateRoot));
}
