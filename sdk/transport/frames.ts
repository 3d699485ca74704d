import { toHex } from "../../core/codec/hex.ts";
import { getU64 } from "../../core/codec/integers.ts";
import { ACK_LEVEL, FRAME } from "../../core/codec/stream.ts";
import { sdkError } from "../SdkError.ts";

const ACK_HEADER_BYTES = 6;
const RESULT_BYTES = 13;
const SIGNATURE_BYTES = 64;
const LEVEL_BYTES = 96;

/** An answer of the stream, decoded. */
export type StreamAck =
  | { readonly level: "sequenced"; readonly request: number }
  | { readonly level: "parked"; readonly request: number }
  | {
      readonly level: "durable";
      readonly request: number;
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
    }
  | {
      readonly level: "rooted";
      readonly request: number;
      readonly position: number;
      readonly batchCount: number;
      readonly stateRoot: string;
      /** 64 bytes, EIP-2098. */
      readonly signature: Uint8Array;
    }
  | { readonly level: "rejected"; readonly request: number; readonly code: number; readonly detail: string };

function decodeDurable(request: number, bytes: Uint8Array, view: DataView): StreamAck {
  const count = view.getUint16(22);
  const end = 24 + RESULT_BYTES * count;
  const results = Array.from({ length: count }, (_, index) => {
    const at = 24 + RESULT_BYTES * index;
    return { outcome: bytes[at]!, slot: view.getUint32(at + 1), id: getU64(view, at + 5) };
  });
  const pathAt = end + 32 + SIGNATURE_BYTES + 1;
  const tailAt = pathAt + LEVEL_BYTES * view.getUint8(pathAt - 1);
  return {
    level: "durable",
    request,
    position: getU64(view, 6),
    firstReceipt: getU64(view, 14),
    results,
    head: bytes.slice(end, end + 32),
    signature: bytes.slice(end + 32, end + 32 + SIGNATURE_BYTES),
    path: bytes.slice(pathAt, tailAt),
    previous: bytes.slice(tailAt, tailAt + 32),
    headPosition: getU64(view, tailAt + 32),
    index: view.getUint32(tailAt + 40),
  };
}

/**
 * One message of the server.
 * @throws SdkError `SDK_RESPONSE` for one that this version does not know
 */
export function decodeAck(bytes: Uint8Array): StreamAck {
  const unknown = (): never => {
    throw sdkError("SDK_RESPONSE", `the stream sent a frame that is not known: ${toHex(bytes.subarray(0, 8))}, ${bytes.length} bytes`);
  };
  if (bytes.length < ACK_HEADER_BYTES || bytes[0] !== FRAME.ACK) return unknown();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const request = view.getUint32(1);
  try {
    switch (bytes[5]) {
      case ACK_LEVEL.SEQUENCED:
        return { level: "sequenced", request };
      case ACK_LEVEL.PARKED:
        return { level: "parked", request };
      case ACK_LEVEL.REJECTED:
        return { level: "rejected", request, code: view.getUint8(6), detail: new TextDecoder().decode(bytes.subarray(7)) };
      case ACK_LEVEL.DURABLE:
        return decodeDurable(request, bytes, view);
      case ACK_LEVEL.ROOTED:
        return { level: "rooted", request, position: getU64(view, 6), stateRoot: toHex(bytes.subarray(14, 46)), signature: bytes.slice(46, 110), batchCount: getU64(view, 110) };
      default:
        return unknown();
    }
  } catch (error) {
    if (error instanceof RangeError) return unknown();
    throw error;
  }
}
