import { openSlot } from "../codec/batch.ts";
import { toHex } from "../codec/hex.ts";
import type { BatchInput, EntryInput } from "../transition/L1Data.ts";
import type { LeafOpening, StepProof } from "./StepProof.ts";

const ZERO_WORD = `0x${"00".repeat(32)}`;
const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/** Hex of each 32-byte word. */
export function hexWords(bytes: Uint8Array): string[] {
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 32) words.push(toHex(bytes.subarray(at, at + 32)));
  return words;
}

/** The proof of a step that read `batch` or `entry` (or neither) and, unless -1, a slot of its data. */
export function encodeStepProof(
  read: { readonly batch: BatchInput | null; readonly entry: EntryInput | null; readonly slot: number },
  leaves: readonly LeafOpening[],
): StepProof {
  const { batch, entry } = read;
  const data = (batch ?? entry)?.data;
  const opening = read.slot < 0 || data === undefined ? null : openSlot(data, read.slot);
  return {
    batch:
      batch === null
        ? { l2Time: 0, queueEnd: 0, slots: 0, dataRoot: ZERO_WORD }
        : { l2Time: batch.l2Time, queueEnd: batch.queueEnd, slots: batch.slots, dataRoot: toHex(batch.dataRoot) },
    entry:
      entry === null
        ? { kind: 0, sender: ZERO_ADDRESS, account: ZERO_ADDRESS, value: 0n, slots: 0, dataRoot: ZERO_WORD, dueTime: 0 }
        : {
            kind: entry.kind,
            sender: toHex(entry.sender),
            account: toHex(entry.account),
            value: BigInt(entry.value),
            slots: entry.slots,
            dataRoot: toHex(entry.dataRoot),
            dueTime: entry.dueTime,
          },
    slot: opening === null ? { chunk: "0x", siblings: [] } : { chunk: toHex(opening.chunk), siblings: opening.siblings.map(toHex) },
    leaves,
  };
}

/** The fee table as `StepEnv` takes it: eight 32-bit fees a word, the first in the most significant bits. */
export function packFeeTable(feeTable: readonly number[]): [bigint, bigint, bigint] {
  const words: [bigint, bigint, bigint] = [0n, 0n, 0n];
  for (const [i, fee] of feeTable.entries()) words[i >> 3] |= BigInt(fee) << BigInt(32 * (7 - (i & 7)));
  return words;
}
