const INVALID = 255;
const VALUE_OF = new Uint8Array(128).fill(INVALID);
for (let value = 0; value < 16; value += 1) {
  VALUE_OF[value.toString(16).charCodeAt(0)] = value;
  VALUE_OF[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** Bytes of hexadecimal digits (without 0x) from `start` on, quickly: batches have a hundred thousand. Throws a RangeError on anything else. */
export function bytesOfDigits(digits: string, start = 0, end = digits.length): Uint8Array {
  if ((end - start) % 2 !== 0 || end > digits.length) throw new RangeError("hexadecimal digits come in pairs");
  const bytes = new Uint8Array((end - start) / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    const high = VALUE_OF[digits.charCodeAt(start + 2 * index)] ?? INVALID;
    const low = VALUE_OF[digits.charCodeAt(start + 2 * index + 1)] ?? INVALID;
    if (high === INVALID || low === INVALID) throw new RangeError(`no hexadecimal digits at ${start + 2 * index}`);
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}
