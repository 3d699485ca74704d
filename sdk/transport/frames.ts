import { toHex } from "../../core/codec/hex.ts";
import { getU64 } from "../../core/codec/integers.ts";
import { ACK_LEVEL, decodeAnswers, decodeBundleRecord } from "../../core/codec/stream.ts";
import type { Answer } from "../../core/codec/stream.ts";
import { sdkError } from "../SdkError.ts";

const RESULT_BYTES = 13;
const SIGNATURE_BYTES = 64;
const LEVEL_BYTES = 96;
/** Previous head, its position, index, slot. */
const TAIL_BYTES = 52;
const ROOTED_BYTES = 112;
/** No message of an honest server comes near it: it holds the answers of one turn of the event loop. */
const MAX_MESSAGE_BYTES = 64 << 20;
const MAX_DETAIL_BYTES = 500;

/** A durable answer with what proves it. */
export interface SignedDurable {
  readonly level: "durable";
  readonly position: number;
  readonly firstReceipt: number;
  readonly results: readonly { readonly outcome: number; readonly slot: number; readonly id: number }[];
  /** 32 bytes. */
  readonly head: Uint8Array;
  /** 64 bytes, EIP-2098. */
  readonly signature: Uint8Array;
  /** 96 bytes a level, to the root of the group that the head was made of. */
  readonly path: Uint8Array;
  /** Place of the bundle in its group. */
  readonly index: number;
  readonly previous: Uint8Array;
  readonly headPosition: number;
  readonly headSlot: number;
}

/** A rooted answer with what proves it. */
export interface SignedRooted {
  readonly level: "rooted";
  readonly position: number;
  readonly batchCount: number;
  readonly stateRoot: string;
  /** 64 bytes, EIP-2098. */
  readonly signature: Uint8Array;
}

/** An answer of the stream, decoded. */
export type StreamAck = { readonly request: number } & (
  | { readonly level: "sequenced" }
  | { readonly level: "parked" }
  | SignedDurable
  | SignedRooted
  | { readonly level: "rejected"; readonly code: number; readonly detail: string }
);

function decodeDurable({ request, body }: Answer, view: DataView): StreamAck {
  const { position, firstReceipt, outcomes, slots, ids } = decodeBundleRecord(body);
  const results = Array.from(outcomes, (outcome, index) => ({ outcome, slot: slots[index]!, id: ids[index]! }));
  const headAt = 18 + RESULT_BYTES * outcomes.length;
  const pathAt = headAt + 32 + SIGNATURE_BYTES + 1;
  const tailAt = pathAt + LEVEL_BYTES * view.getUint8(pathAt - 1);
  if (body.length !== tailAt + TAIL_BYTES) throw new RangeError("the frame has another length than its parts");
  return {
    level: "durable",
    request,
    position,
    firstReceipt,
    results,
    head: body.slice(headAt, headAt + 32),
    signature: body.slice(headAt + 32, headAt + 32 + SIGNATURE_BYTES),
    path: body.slice(pathAt, tailAt),
    previous: body.slice(tailAt, tailAt + 32),
    headPosition: getU64(view, tailAt + 32),
    index: view.getUint32(tailAt + 40),
    headSlot: getU64(view, tailAt + 44),
  };
}

function decodeAck(answer: Answer): StreamAck | undefined {
  const { level, request, body } = answer;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (level) {
    case ACK_LEVEL.SEQUENCED:
      return { level: "sequenced", request };
    case ACK_LEVEL.PARKED:
      return { level: "parked", request };
    case ACK_LEVEL.REJECTED:
      return { level: "rejected", request, code: view.getUint8(0), detail: new TextDecoder().decode(body.subarray(1, 1 + MAX_DETAIL_BYTES)) };
    case ACK_LEVEL.DURABLE:
      return decodeDurable(answer, view);
    case ACK_LEVEL.ROOTED:
      if (body.length !== ROOTED_BYTES) return undefined;
      return { level: "rooted", request, position: getU64(view, 0), stateRoot: toHex(body.subarray(8, 40)), signature: body.slice(40, 104), batchCount: getU64(view, 104) };
    default:
      return undefined;
  }
}

/**
 * The answers of one message of the server, in order.
 * @throws SdkError `SDK_RESPONSE` for one that this version does not know
 */
export function decodeAcks(bytes: Uint8Array): StreamAck[] {
  const unknown = (): never => {
    throw sdkError("SDK_RESPONSE", `the stream sent a frame that is not known: ${toHex(bytes.subarray(0, 8))}, ${bytes.length} bytes`);
  };
  try {
    if (bytes.length > MAX_MESSAGE_BYTES) return unknown();
    return (decodeAnswers(bytes) ?? unknown()).map((answer) => decodeAck(answer) ?? unknown());
  } catch (error) {
    if (error instanceof RangeError) return unknown();
    throw error;
  }
}
