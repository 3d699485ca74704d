import { hashText, typedDigest, typedDomainSeparator } from "../../core/codec/bundle.ts";
import { setU64 } from "../../core/codec/integers.ts";
import { keccak256 } from "../../core/hash/index.ts";
import type { StateRank, TowerDomain, TowerReceipt } from "./TowerState.ts";

/** EIP-712 types of the domain "agnt2 tower"; `TowerBond` has the first. */
export const TOWER_EIP712 = {
  name: "agnt2 tower",
  version: "1",
  Receipt: "Receipt(bytes32 channelId,uint8 side,uint32 version,uint64 sequence,uint64 paid,uint40 from,uint40 until)",
  Watch: "Watch(bytes32 channelId,uint8 side,uint32 version,uint64 sequence,uint64 paid)",
  Seal: "Seal(bytes16 locator,bytes32 bodyHash,uint40 until)",
  SealedReceipt: "SealedReceipt(bytes16 locator,bytes32 bodyHash,uint40 until)",
} as const;

const typeHash = {
  receipt: hashText(TOWER_EIP712.Receipt),
  watch: hashText(TOWER_EIP712.Watch),
  seal: hashText(TOWER_EIP712.Seal),
  sealedReceipt: hashText(TOWER_EIP712.SealedReceipt),
};

/** A word: a number (right-aligned), or bytes (32, or a locator, which is left-aligned as bytes16 is). */
function digest(separator: Uint8Array, type: Uint8Array, fields: readonly (number | Uint8Array)[]): Uint8Array {
  const words = new Uint8Array(32 + 32 * fields.length);
  const view = new DataView(words.buffer);
  words.set(type, 0);
  for (const [place, field] of fields.entries()) {
    if (typeof field === "number") setU64(view, 32 * place + 56, field);
    else words.set(field, 32 * place + 32);
  }
  return typedDigest(separator, keccak256(words));
}

export function towerDomainSeparator({ chainId, towerBond }: Pick<TowerDomain, "chainId" | "towerBond">): Uint8Array {
  const { name, version } = TOWER_EIP712;
  return typedDomainSeparator({ name, version, chainId, verifyingContract: towerBond });
}

/** The 32 bytes that a tower signs. */
export function receiptDigest(separator: Uint8Array, { channelId, side, version, sequence, paid, from, until }: TowerReceipt): Uint8Array {
  return digest(separator, typeHash.receipt, [channelId, side, version, sequence, paid, from, until]);
}

/** The 32 bytes with which a side, or its granted key, hands a state in: nobody else may replace what a tower keeps for it. */
export function watchDigest(separator: Uint8Array, wish: StateRank & Pick<TowerReceipt, "channelId" | "side">): Uint8Array {
  const { channelId, side, version, sequence, paid } = wish;
  return digest(separator, typeHash.watch, [channelId, side, version, sequence, paid]);
}

/** A body that the tower cannot read, under its locator of 16 bytes. */
export interface SealedRef {
  readonly locator: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly until: number;
}

/** The 32 bytes with which any key hands a sealed body in; the same key may replace it. */
export function sealDigest(separator: Uint8Array, { locator, bodyHash, until }: SealedRef): Uint8Array {
  return digest(separator, typeHash.seal, [locator, bodyHash, until]);
}

/** The 32 bytes that a tower signs for a sealed body. */
export function sealedReceiptDigest(separator: Uint8Array, { locator, bodyHash, until }: SealedRef): Uint8Array {
  return digest(separator, typeHash.sealedReceipt, [locator, bodyHash, until]);
}
