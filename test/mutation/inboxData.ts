import { accumulatorAfter, toHex, unpackSlots } from "../../core/codec/index.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { callSlots } from "../builders/batchData.ts";
import { accumulatorAfter as plainAccumulator } from "../builders/inboxHashes.ts";
import { packSlots } from "../builders/packSlots.ts";

const SLOTS = 200;

/** What of the rules about the Inbox's data, which no step executes, is not as in their plain versions; null if all is. */
export function wrongInboxData(): string | null {
  const words = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
  const [before, batch, ...entries] = words as [Uint8Array, Uint8Array, ...Uint8Array[]];
  const chained = toHex(accumulatorAfter(before, batch, entries));
  if (chained !== plainAccumulator(toHex(before), toHex(batch), entries.map(toHex))) return "accumulator";
  const slots = callSlots(SLOTS, 20);
  const unpacked = unpackSlots(fromHex(packSlots(toHex(slots))), SLOTS);
  return unpacked !== undefined && toHex(unpacked) === toHex(slots) ? null : "packed slots";
}
