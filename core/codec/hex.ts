import { CoreError } from "../errors.ts";

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hex with `0x` in front. */
export function toHex(bytes: Uint8Array): string {
  let text = "0x";
  for (let i = 0; i < bytes.length; i += 1) text += DIGITS[bytes[i]];
  return text;
}

/**
 * Bytes of `text` (`0x` optional, any case). With `length`, the number of bytes it must have.
 * @throws CoreError codec/hex
 */
export function fromHex(text: string, length?: number): Uint8Array {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) throw new CoreError("codec/hex", `Not hex: ${text.slice(0, 80)}`);
  const bytes = new Uint8Array(digits.length / 2);
  if (length !== undefined && bytes.length !== length) {
    throw new CoreError("codec/hex", `${bytes.length} bytes of hex where ${length} are needed.`);
  }
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
