import { Signature, getBytes } from "ethers";
import type { Wallet } from "ethers";

import { EIP712 } from "../../core/generated/protocol.ts";

/** The promise of a sequencer, as the contracts take it. */
export interface HeadStruct {
  readonly slot: number;
  readonly position: number;
  readonly head: string;
}

const FIELDS = EIP712.Head.slice(EIP712.Head.indexOf("(") + 1, -1).split(",").map((field) => {
  const [type = "", name = ""] = field.split(" ");
  return { type, name };
});

/** Signs a head with another library than the programs, from typed data and not from a digest of ours: 64 bytes. */
export async function signHeadFor(key: Wallet, head: HeadStruct, domain: { readonly chainId: number; readonly inbox: string }): Promise<Uint8Array> {
  const signed = await key.signTypedData({ name: EIP712.name, version: EIP712.version, chainId: domain.chainId, verifyingContract: domain.inbox }, { Head: FIELDS }, head);
  return getBytes(Signature.from(signed).compactSerialized);
}
