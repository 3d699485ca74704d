import { toHex } from "../../core/codec/hex.ts";
import { ACK_HEAD_BYTES, RESULT_BYTES, readAckFrame } from "../../core/channel/engine/frames/ackFrame.ts";
import { ENTRY, readCallsFrame } from "../../core/channel/engine/frames/callsFrame.ts";
import { FRAME, SIGNATURE_BYTES } from "../../core/channel/engine/frames/FrameKind.ts";
import { RECORD as ENGINE_RECORD } from "../../core/channel/engine/RecordKind.ts";
import { RECORD } from "../../sdk/node/channels/channelRecord.ts";
import { entriesOf } from "../../sdk/node/channels/store/groupCodec.ts";
import { listSegments, readSegment } from "../../sdk/node/channels/store/segmentFile.ts";

/** One call as a store has it. */
export interface LoggedCall {
  readonly priceUnits: number;
  /** Undefined: it has no answer. 0: paid. */
  status: number | undefined;
  /** Hex, of the response. */
  answerHash: string | undefined;
}

/** By payment key (docs/SIDECAR.md section 3). */
export type LoggedCalls = Map<string, LoggedCall>;

/**
 * Every call that the store of a stopped process has on disk, read from its log and not through the engine: those that it made, and those
 * that it was asked. Only for stores that have all of their log in one segment.
 */
export function readChannelHistory(dir: string): { readonly made: LoggedCalls; readonly taken: LoggedCalls } {
  const [segment = 0, ...more] = listSegments(dir);
  if (segment !== 0 || more.length > 0) throw new Error(`the log in ${dir} has been compacted: its history is not whole`);
  const history = { made: new Map() as LoggedCalls, taken: new Map() as LoggedCalls };
  const { bytes, groups } = readSegment(dir, segment);
  for (let i = 0; i + 1 < groups.length; i += 1) {
    for (const { channelId, kind, body } of entriesOf(bytes, groups[i]!, groups[i + 1]!) ?? []) {
      if (kind !== RECORD.ENGINE || (body[0] !== ENGINE_RECORD.OUT && body[0] !== ENGINE_RECORD.IN)) continue;
      const isOut = body[0] === ENGINE_RECORD.OUT;
      // What this side signs later is logged without room for the signature.
      const frame = isOut ? Uint8Array.of(...body.subarray(1), ...new Uint8Array(SIGNATURE_BYTES)) : body.slice(1);
      const keyOf = (sequence: number): string => `channel:${toHex(channelId)}:${sequence}`;
      if (frame[0] === FRAME.CALLS) addCalls(isOut ? history.made : history.taken, frame, keyOf);
      else if (frame[0] === FRAME.ACK) addResults(isOut ? history.taken : history.made, frame, keyOf);
    }
  }
  return history;
}

function addCalls(calls: LoggedCalls, frame: Uint8Array, keyOf: (sequence: number) => string): void {
  const { before, entries, offsets, amounts } = readCallsFrame(frame);
  for (let i = 0; i < entries; i += 1) {
    if (frame[offsets[i]!] === ENTRY.CALL) calls.set(keyOf(before + 1 + i), { priceUnits: amounts[i]!, status: undefined, answerHash: undefined });
  }
}

function addResults(calls: LoggedCalls, frame: Uint8Array, keyOf: (sequence: number) => string): void {
  const { count, sequences, statuses } = readAckFrame(frame);
  for (let i = 0; i < count; i += 1) {
    const call = calls.get(keyOf(sequences[i]!));
    if (call === undefined) throw new Error(`an answer to call ${sequences[i]} that nobody made`);
    if (call.status !== undefined) throw new Error(`two answers to call ${sequences[i]}`);
    const at = ACK_HEAD_BYTES + i * RESULT_BYTES + 9;
    [call.status, call.answerHash] = [statuses[i]!, toHex(frame.subarray(at, at + 32))];
  }
}
