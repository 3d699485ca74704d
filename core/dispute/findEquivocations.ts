import { toHex } from "../codec/hex.ts";
import { headDigest } from "../codec/heads.ts";
import { recoverSigner } from "../codec/signature.ts";

/** A head as its signer handed it out. */
export interface SeenHead {
  readonly slot: number;
  readonly position: number;
  /** 32 bytes. */
  readonly head: Uint8Array;
  /** 64 bytes, EIP-2098, over `Head(slot, position, head)`. */
  readonly signature: Uint8Array;
}

/** Two different heads for one slot and position by one signer: what `SequencerSet.reportHeads` takes. */
export interface Equivocation {
  /** 0x-hexadecimal, lower case. */
  readonly signer: string;
  readonly a: SeenHead;
  readonly b: SeenHead;
}

/**
 * The first contradiction of each signer among heads of one chain, in the order in which they came. Heads without a valid signature
 * are nobody's and passed over; slot 0 is that of chains without operators, where nothing can be slashed.
 * @param domainSeparator of the chain's Inbox
 */
export function findEquivocations(domainSeparator: Uint8Array, heads: readonly SeenHead[]): Equivocation[] {
  const first = new Map<string, SeenHead>();
  const found = new Map<string, Equivocation>();
  for (const seen of heads) {
    if (seen.slot === 0 || seen.head.length !== 32 || seen.signature.length !== 64) continue;
    const recovered = recoverSigner(headDigest(domainSeparator, seen.slot, seen.position, seen.head), seen.signature.subarray(0, 32), seen.signature.subarray(32));
    if (recovered === null) continue;
    const signer = toHex(recovered);
    const key = `${signer} ${seen.slot} ${seen.position}`;
    const before = first.get(key);
    if (before === undefined) first.set(key, seen);
    else if (!found.has(signer) && toHex(before.head) !== toHex(seen.head)) found.set(signer, { signer, a: before, b: seen });
  }
  return [...found.values()];
}
