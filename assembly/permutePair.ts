/**
 * Keccak-f[1600] on two states at once: every v128 holds the same lane of both (low half: first state, high half: second).
 * A round reads the state at `from` and writes the one at `to`, one output row at a time, so that few lanes are live at once.
 */
import { ROUND_CONSTANTS, STATE } from "./constants";

const OTHER_STATE: usize = STATE + 400;

// @ts-ignore: decorator
@inline
function rotateLeft(x: v128, bits: i32): v128 {
  return v128.or(v128.shl<u64>(x, bits), v128.shr<u64>(x, 64 - bits));
}

// @ts-ignore: decorator
@inline
function round(from: usize, to: usize, constant: v128): void {
  const c0 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 0), v128.load(from, 80)), v128.load(from, 160)), v128.load(from, 240)), v128.load(from, 320));
  const c1 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 16), v128.load(from, 96)), v128.load(from, 176)), v128.load(from, 256)), v128.load(from, 336));
  const c2 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 32), v128.load(from, 112)), v128.load(from, 192)), v128.load(from, 272)), v128.load(from, 352));
  const c3 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 48), v128.load(from, 128)), v128.load(from, 208)), v128.load(from, 288)), v128.load(from, 368));
  const c4 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 64), v128.load(from, 144)), v128.load(from, 224)), v128.load(from, 304)), v128.load(from, 384));
  const d0 = v128.xor(c4, rotateLeft(c1, 1));
  const d1 = v128.xor(c0, rotateLeft(c2, 1));
  const d2 = v128.xor(c1, rotateLeft(c3, 1));
  const d3 = v128.xor(c2, rotateLeft(c4, 1));
  const d4 = v128.xor(c3, rotateLeft(c0, 1));

  let b0 = v128.xor(v128.load(from, 0), d0);
  let b1 = rotateLeft(v128.xor(v128.load(from, 96), d1), 44);
  let b2 = rotateLeft(v128.xor(v128.load(from, 192), d2), 43);
  let b3 = rotateLeft(v128.xor(v128.load(from, 288), d3), 21);
  let b4 = rotateLeft(v128.xor(v128.load(from, 384), d4), 14);
  v128.store(to, v128.xor(v128.xor(b0, v128.andnot(b2, b1)), constant), 0);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 16);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 32);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 48);
  v128.store(to, v128.xor(b4, v128.andnot(b1, b0)), 64);

  b0 = rotateLeft(v128.xor(v128.load(from, 48), d3), 28);
  b1 = rotateLeft(v128.xor(v128.load(from, 144), d4), 20);
  b2 = rotateLeft(v128.xor(v128.load(from, 160), d0), 3);
  b3 = rotateLeft(v128.xor(v128.load(from, 256), d1), 45);
  b4 = rotateLeft(v128.xor(v128.load(from, 352), d2), 61);
  v128.store(to, v128.xor(b0, v128.andnot(b2, b1)), 80);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 96);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 112);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 128);
  v128.store(to, v128.xor(b4, v128.andnot(b1, b0)), 144);

  b0 = rotateLeft(v128.xor(v128.load(from, 16), d1), 1);
  b1 = rotateLeft(v128.xor(v128.load(from, 112), d2), 6);
  b2 = rotateLeft(v128.xor(v128.load(from, 208), d3), 25);
  b3 = rotateLeft(v128.xor(v128.load(from, 304), d4), 8);
  b4 = rotateLeft(v128.xor(v128.load(from, 320), d0), 18);
  v128.store(to, v128.xor(b0, v128.andnot(b2, b1)), 160);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 176);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 192);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 208);
  v128.store(to, v128.xor(b4, v128.andnot(b1, b0)), 224);

  b0 = rotateLeft(v128.xor(v128.load(from, 64), d4), 27);
  b1 = rotateLeft(v128.xor(v128.load(from, 80), d0), 36);
  b2 = rotateLeft(v128.xor(v128.load(from, 176), d1), 10);
  b3 = rotateLeft(v128.xor(v128.load(from, 272), d2), 15);
  b4 = rotateLeft(v128.xor(v128.load(from, 368), d3), 56);
  v128.store(to, v128.xor(b0, v128.andnot(b2, b1)), 240);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 256);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 272);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 288);
  v128.store(to, v128.xor(b4, v128.andnot(b1, b0)), 304);

  b0 = rotateLeft(v128.xor(v128.load(from, 32), d2), 62);
  b1 = rotateLeft(v128.xor(v128.load(from, 128), d3), 55);
  b2 = rotateLeft(v128.xor(v128.load(from, 224), d4), 39);
  b3 = rotateLeft(v128.xor(v128.load(from, 240), d0), 41);
  b4 = rotateLeft(v128.xor(v128.load(from, 336), d1), 2);
  v128.store(to, v128.xor(b0, v128.andnot(b2, b1)), 320);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 336);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 352);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 368);
  v128.store(to, v128.xor(b4, v128.andnot(b1, b0)), 384);
}

/** The last round as far as a 256-bit digest needs it: lanes 0 to 3. */
// @ts-ignore: decorator
@inline
function lastRound(from: usize, to: usize, constant: v128): void {
  const c0 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 0), v128.load(from, 80)), v128.load(from, 160)), v128.load(from, 240)), v128.load(from, 320));
  const c1 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 16), v128.load(from, 96)), v128.load(from, 176)), v128.load(from, 256)), v128.load(from, 336));
  const c2 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 32), v128.load(from, 112)), v128.load(from, 192)), v128.load(from, 272)), v128.load(from, 352));
  const c3 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 48), v128.load(from, 128)), v128.load(from, 208)), v128.load(from, 288)), v128.load(from, 368));
  const c4 = v128.xor(v128.xor(v128.xor(v128.xor(v128.load(from, 64), v128.load(from, 144)), v128.load(from, 224)), v128.load(from, 304)), v128.load(from, 384));
  const d0 = v128.xor(c4, rotateLeft(c1, 1));
  const d1 = v128.xor(c0, rotateLeft(c2, 1));
  const d2 = v128.xor(c1, rotateLeft(c3, 1));
  const d3 = v128.xor(c2, rotateLeft(c4, 1));
  const d4 = v128.xor(c3, rotateLeft(c0, 1));

  let b0 = v128.xor(v128.load(from, 0), d0);
  let b1 = rotateLeft(v128.xor(v128.load(from, 96), d1), 44);
  let b2 = rotateLeft(v128.xor(v128.load(from, 192), d2), 43);
  let b3 = rotateLeft(v128.xor(v128.load(from, 288), d3), 21);
  let b4 = rotateLeft(v128.xor(v128.load(from, 384), d4), 14);
  v128.store(to, v128.xor(v128.xor(b0, v128.andnot(b2, b1)), constant), 0);
  v128.store(to, v128.xor(b1, v128.andnot(b3, b2)), 16);
  v128.store(to, v128.xor(b2, v128.andnot(b4, b3)), 32);
  v128.store(to, v128.xor(b3, v128.andnot(b0, b4)), 48);
}

/** Permutes the states at STATE. */
export function permutePair(): void {
  let constants = ROUND_CONSTANTS;
  for (let i = 0; i < 12; i++) {
    round(STATE, OTHER_STATE, v128.load_splat<u64>(constants, 0));
    round(OTHER_STATE, STATE, v128.load_splat<u64>(constants, 8));
    constants += 16;
  }
}

/** Permutes the states at STATE; afterwards only lanes 0 to 3, the digest, are valid. */
export function permutePairToDigest(): void {
  let constants = ROUND_CONSTANTS;
  for (let i = 0; i < 11; i++) {
    round(STATE, OTHER_STATE, v128.load_splat<u64>(constants, 0));
    round(OTHER_STATE, STATE, v128.load_splat<u64>(constants, 8));
    constants += 16;
  }
  round(STATE, OTHER_STATE, v128.load_splat<u64>(constants, 0));
  lastRound(OTHER_STATE, STATE, v128.load_splat<u64>(constants, 8));
}
