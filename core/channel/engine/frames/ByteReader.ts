import { getU64 } from "../../../codec/integers.ts";
import { MAX_UNITS } from "../../../generated/protocol.ts";
import { ChannelError } from "../ChannelCode.ts";

/** Reads a frame or record from front to back. @throws ChannelError channel/frame beyond its end, or for a number beyond 2^53 - 1 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  #take(length: number): number {
    const from = this.at;
    if (from + length > this.bytes.length) throw new ChannelError("channel/frame", "The frame ends too early.");
    this.at = from + length;
    return from;
  }

  u8(): number {
    return this.bytes[this.#take(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u40(): number {
    const from = this.#take(5);
    return this.#view.getUint8(from) * 2 ** 32 + this.#view.getUint32(from + 1);
  }

  u64(): number {
    const value = getU64(this.#view, this.#take(8));
    if (value > MAX_UNITS) throw new ChannelError("channel/frame", "A number beyond 2^53 - 1.");
    return value;
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const from = this.#take(length);
    return this.bytes.subarray(from, from + length);
  }

  /** u16 length ‖ bytes. */
  short(): Uint8Array {
    return this.raw(this.u16());
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new ChannelError("channel/frame", "The frame is longer than its content.");
  }
}
