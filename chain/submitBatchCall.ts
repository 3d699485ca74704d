import { Interface } from "ethers";

import { toHex } from "../core/codec/hex.ts";
import { inboxAbi } from "./generated/abi/Inbox.ts";

/** The arguments of `Inbox.submitBatch`. */
export interface SubmitBatchCall {
  readonly l2Time: number;
  readonly queueEnd: number;
  /** The accumulator (RULES B-6) that the chain has to end at with this batch: 32 bytes as 0x-hexadecimal text. */
  readonly expectedAccumulator: string;
  /** Whole slots. */
  readonly data: Uint8Array;
}

const WORD_DIGITS = 64;
/** Where `data` begins among the arguments. */
const DATA_OFFSET = 128;

const submitBatch = new Interface(inboxAbi).getFunction("submitBatch");
if (submitBatch === null) throw new TypeError("the Inbox has no submitBatch");
const { selector } = submitBatch;

function word(value: number): string {
  return value.toString(16).padStart(WORD_DIGITS, "0");
}

/** The calldata, as any ABI encoder makes it but in a millisecond for 100 kB. */
export function encodeSubmitBatch({ l2Time, queueEnd, expectedAccumulator, data }: SubmitBatchCall): string {
  const digits = toHex(data).slice(2);
  const padding = "0".repeat((WORD_DIGITS - (digits.length % WORD_DIGITS)) % WORD_DIGITS);
  return selector + word(l2Time) + word(queueEnd) + expectedAccumulator.slice(2) + word(DATA_OFFSET) + word(data.length) + digits + padding;
}
