import { ChannelError } from "../ChannelCode.ts";

const NONE = 0xffffffff;

/** `count` times u32 length ‖ bytes that fill `at` to `end` exactly; length 2^32 - 1: none. @throws ChannelError channel/frame */
export function readPayloads(bytes: Uint8Array, at: number, end: number, count: number): (Uint8Array | undefined)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: (Uint8Array | undefined)[] = [];
  let from = at;
  for (let i = 0; i < count; i++) {
    if (from + 4 > end) throw new ChannelError("channel/frame", "The payloads do not fit the frame.");
    const length = view.getUint32(from);
    from += 4;
    if (length === NONE) {
      payloads.push(undefined);
      continue;
    }
    if (from + length > end) throw new ChannelError("channel/frame", "The payloads do not fit the frame.");
    payloads.push(bytes.subarray(from, from + length));
    from += length;
  }
  if (from !== end) throw new ChannelError("channel/frame", "The frame is longer than its content.");
  return payloads;
}
