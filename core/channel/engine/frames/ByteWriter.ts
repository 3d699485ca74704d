import { setU64 } from "../../../codec/integers.ts";

/** Writes a small frame or record from front to back. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** May replace the array: take the place first, then write. */
  #room(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#at, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return from;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
    return this;
  }

  u40(value: number): this {
    const from = this.#room(5);
    this.#view.setUint8(from, Math.floor(value / 2 ** 32));
    this.#view.setUint32(from + 1, value % 2 ** 32);
    return this;
  }

  u64(value: number): this {
    const at = this.#room(8);
    setU64(this.#view, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** u16 length ‖ bytes. */
  short(bytes: Uint8Array): this {
    return this.u16(bytes.length).raw(bytes);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}
