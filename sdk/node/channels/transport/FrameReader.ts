/** Before each frame on the wire: its length, u32. */
export const LENGTH_BYTES = 4;
const TOO_LONG = -1;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  /** Bytes of a frame that is not whole yet, its length included. */
  #partial: Uint8Array = new Uint8Array(0);
  #have = 0;

  /**
   * Gives each frame that is whole now to `take`, as a view, until it says stop with false.
   * @returns how many bytes of the chunk are used up; -1 when a frame is longer than `maxFrameBytes`: nothing after it can be read
   */
  read(chunk: Uint8Array, maxFrameBytes: number, take: (frame: Uint8Array) => boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#have === 0) {
        // The common case: the frame lies whole in the chunk and is not copied.
        const left = chunk.length - at;
        const length = left >= LENGTH_BYTES ? lengthAt(chunk, at) : 0;
        if (length > maxFrameBytes) return TOO_LONG;
        if (left >= LENGTH_BYTES + length) {
          const from = at + LENGTH_BYTES;
          at = from + length;
          if (!take(chunk.subarray(from, at))) return at;
          continue;
        }
        this.#partial = new Uint8Array(LENGTH_BYTES + length);
      }
      const bytes = Math.min(this.#partial.length - this.#have, chunk.length - at);
      this.#partial.set(chunk.subarray(at, at + bytes), this.#have);
      this.#have += bytes;
      at += bytes;
      if (this.#have < this.#partial.length) return at;
      const length = lengthAt(this.#partial, 0);
      if (length > maxFrameBytes) return TOO_LONG;
      if (this.#have < LENGTH_BYTES + length) {
        // Only the length was there so far.
        const whole = new Uint8Array(LENGTH_BYTES + length);
        whole.set(this.#partial);
        this.#partial = whole;
        continue;
      }
      this.#have = 0;
      if (!take(this.#partial.subarray(LENGTH_BYTES))) return at;
    }
    return at;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

/** A frame of one or two parts as it goes on the wire. */
export function framed(head: Uint8Array, body?: Uint8Array): Buffer {
  const length = head.length + (body?.length ?? 0);
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + length);
  bytes.writeUInt32BE(length, 0);
  bytes.set(head, LENGTH_BYTES);
  if (body !== undefined) bytes.set(body, LENGTH_BYTES + head.length);
  return bytes;
}
