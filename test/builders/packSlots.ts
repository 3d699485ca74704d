/** The packed form of slots (RULES B-7), plainly: hexadecimal text in and out. */
export function packSlots(slots: string): string {
  const words = slots.slice(2).match(/.{64}/g) ?? [];
  const isZero = (word: string): boolean => /^0*$/.test(word);
  let packed = "0x";
  for (let first = 0; first < words.length; first += 255) {
    const group = words.slice(first, first + 255);
    const bits = group.map((word) => (isZero(word) ? "0" : "1")).join("").padEnd(256, "0");
    packed += BigInt(`0b${bits}`).toString(16).padStart(64, "0") + group.filter((word) => !isZero(word)).join("");
  }
  return packed;
}
