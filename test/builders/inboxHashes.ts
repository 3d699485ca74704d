import { AbiCoder, concat, dataSlice, keccak256, toBeHex } from "ethers";

const coder = AbiCoder.defaultAbiCoder();

/** An entry of the queue, as the rules hash it. */
export interface EntryFields {
  readonly kind: number;
  readonly sender: string;
  readonly account: string;
  readonly value: bigint;
  readonly slots: number;
  readonly dataRoot: string;
  readonly dueTime: number;
}

/** RULES B-2. */
export function batchHashOf(l2Time: number, queueEnd: bigint, slots: number, dataRoot: string): string {
  return keccak256(coder.encode(["uint32", "uint64", "uint32", "bytes32"], [l2Time, queueEnd, slots, dataRoot]));
}

/** RULES B-3. */
export function entryHashOf(entry: EntryFields): string {
  const types = ["uint8", "address", "address", "uint64", "uint32", "bytes32", "uint32"];
  const hash = keccak256(
    coder.encode(types, [entry.kind, entry.sender, entry.account, entry.value, entry.slots, entry.dataRoot, entry.dueTime]),
  );
  return concat([dataSlice(hash, 0, 27), toBeHex(entry.slots, 1), toBeHex(entry.dueTime, 4)]);
}

/** The accumulator after a batch that consumed these entries. */
export function accumulatorAfter(before: string, batchHash: string, entryHashes: readonly string[]): string {
  return keccak256(concat([before, batchHash, ...entryHashes]));
}
