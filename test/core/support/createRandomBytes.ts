/** A seeded source of bytes (xorshift32), so that a failing test fails again. */
export function createRandomBytes(seed: number): (length: number) => Uint8Array {
  const next = createRandomInteger(seed);
  return (length) => Uint8Array.from({ length }, () => next(256));
}

/** A seeded source of integers in [0, below), below at most 2^24. */
export function createRandomInteger(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 8) / 0x1000000) * below);
  };
}
