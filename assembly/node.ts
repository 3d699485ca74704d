/** Node hashing: N(w0..w3, tag) = 0 if all words are zero, else keccak256(w0 ‖ w1 ‖ w2 ‖ w3 ‖ tag). */
import { STATE, paddedTagLane } from "./constants";
import { permuteToDigest } from "./permute";
import { permutePairToDigest } from "./permutePair";

/** Hashes the 128 bytes at `source` with `tag` and writes 32 bytes to `target`. */
export function hashOne(source: usize, tag: u32, target: usize): void {
  let any: u64 = 0;
  for (let i: usize = 0; i < 128; i += 32) {
    const w0 = load<u64>(source + i);
    const w1 = load<u64>(source + i, 8);
    const w2 = load<u64>(source + i, 16);
    const w3 = load<u64>(source + i, 24);
    store<u64>(STATE + i, w0);
    store<u64>(STATE + i, w1, 8);
    store<u64>(STATE + i, w2, 16);
    store<u64>(STATE + i, w3, 24);
    any |= w0 | w1 | w2 | w3;
  }
  if (any == 0) {
    memory.fill(target, 0, 32);
    return;
  }
  store<u64>(STATE, paddedTagLane(tag), 128);
  memory.fill(STATE + 136, 0, 64);
  permuteToDigest();
  store<u64>(target, load<u64>(STATE));
  store<u64>(target, load<u64>(STATE, 8), 8);
  store<u64>(target, load<u64>(STATE, 16), 16);
  store<u64>(target, load<u64>(STATE, 24), 24);
}

// @ts-ignore: decorator
@inline
function storeDigestOrZero(any: v128, lanes01: v128, lanes23: v128, target: usize): void {
  if (v128.any_true(any)) {
    v128.store(target, lanes01);
    v128.store(target, lanes23, 16);
  } else {
    v128.store(target, i64x2.splat(0));
    v128.store(target, i64x2.splat(0), 16);
  }
}

/** Hashes two nodes with the same tag. Where both targets are the same, the second one wins. */
export function hashTwo(sourceA: usize, sourceB: usize, tag: u32, targetA: usize, targetB: usize): void {
  if (!ASC_FEATURE_SIMD) {
    hashOne(sourceA, tag, targetA);
    hashOne(sourceB, tag, targetB);
  } else {
    let anyA = i64x2.splat(0);
    let anyB = i64x2.splat(0);
    for (let i: usize = 0; i < 128; i += 16) {
      const a = v128.load(sourceA + i);
      const b = v128.load(sourceB + i);
      v128.store(STATE + 2 * i, v128.shuffle<u64>(a, b, 0, 2));
      v128.store(STATE + 2 * i, v128.shuffle<u64>(a, b, 1, 3), 16);
      anyA = v128.or(anyA, a);
      anyB = v128.or(anyB, b);
    }
    v128.store(STATE, i64x2.splat(paddedTagLane(tag)), 256);
    memory.fill(STATE + 272, 0, 128);
    permutePairToDigest();
    const lane0 = v128.load(STATE);
    const lane1 = v128.load(STATE, 16);
    const lane2 = v128.load(STATE, 32);
    const lane3 = v128.load(STATE, 48);
    storeDigestOrZero(anyA, v128.shuffle<u64>(lane0, lane1, 0, 2), v128.shuffle<u64>(lane2, lane3, 0, 2), targetA);
    storeDigestOrZero(anyB, v128.shuffle<u64>(lane0, lane1, 1, 3), v128.shuffle<u64>(lane2, lane3, 1, 3), targetB);
  }
}

/** Hashes `count` nodes of 128 bytes that lie one after the other; the hashes too lie one after the other. */
export function hashMany(source: usize, count: u32, tag: u32, target: usize): void {
  let left = count;
  for (; left >= 2; left -= 2) {
    hashTwo(source, source + 128, tag, target, target + 32);
    source += 256;
    target += 64;
  }
  if (left > 0) hashOne(source, tag, target);
}
