import { Interface } from "ethers";

import { toHex } from "../core/codec/hex.ts";
import { inboxAbi } from "./generated/abi/Inbox.ts";
import { bytesOfDigits } from "./hexDigits.ts";

/** The arguments of `Inbox.submitBatch`. */
export interface SubmitBatchCall {
  readonly l2Time: number;
  readonly queueEnd: number;
  /** Whole slots. */
  readonly data: Uint8Array;
}

const WORD_DIGITS = 64;
/** Where `data` begins among the arguments; the Inbox takes no other place. */
const DATA_OFFSET = 96;

const submitBatch = new Interface(inboxAbi).getFunction("submitBatch");
if (submitBatch === null) throw new TypeError("the Inbox has no submitBatch");
const { selector } = submitBatch;

function word(value: number): string {
  return value.toString(16).padStart(WORD_DIGITS, "0");
}

/** The calldata, as any ABI encoder makes it but in a millisecond for 100 kB. */
export function encodeSubmitBatch({ l2Time, queueEnd, data }: SubmitBatchCall): string {
  const digits = toHex(data).slice(2);
  const padding = "0".repeat((WORD_DIGITS - (digits.length % WORD_DIGITS)) % WORD_DIGITS);
  return selector + word(l2Time) + word(queueEnd) + word(DATA_OFFSET) + word(data.length) + digits + padding;
}

/** The arguments of a call in the one encoding that the Inbox accepts; undefined for anything else. */
export function decodeSubmitBatch(calldata: string): SubmitBatchCall | undefined {
  if (!calldata.startsWith(selector)) return undefined;
  const wordAt = (index: number): number => Number(`0x${calldata.slice(selector.length + index * WORD_DIGITS, selector.length + (index + 1) * WORD_DIGITS)}`);
  const dataAt = selector.length + 4 * WORD_DIGITS;
  const bytes = wordAt(3);
  if (wordAt(2) !== DATA_OFFSET || !Number.isSafeInteger(bytes) || calldata.length < dataAt + 2 * bytes) return undefined;
  return { l2Time: wordAt(0), queueEnd: wordAt(1), data: bytesOfDigits(calldata, dataAt, dataAt + 2 * bytes) };
}
