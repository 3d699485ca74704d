import { Interface } from "ethers";

import { toHex } from "../core/codec/hex.ts";
import type { Equivocation, SeenHead } from "../core/dispute/findEquivocations.ts";
import { sequencerSetAbi } from "./generated/abi/SequencerSet.ts";

const SET = new Interface(sequencerSetAbi);

/** Calldata of `SequencerSet.reportHeads`. @param operator whose signer it was: the account that joined, not the signing key */
export function encodeReportHeads(operator: string, { a, b }: Equivocation): string {
  const head = ({ slot, position, head: digest }: SeenHead) => ({ slot, position, head: toHex(digest) });
  return SET.encodeFunctionData("reportHeads", [operator, head(a), toHex(a.signature), head(b), toHex(b.signature)]);
}
