/** keccak-256 of messages of one length, two at a time. */
import { RATE, STATE } from "./constants";
import { keccak256 } from "./keccak256";
import { storeDigests } from "./lanes";
import { permutePair, permutePairToDigest } from "./permutePair";

// @ts-ignore: decorator
@inline
function absorbLane(lane: usize, a: u64, b: u64): void {
  const at = STATE + (lane << 4);
  v128.store(at, v128.xor(v128.load(at), i64x2(a, b)));
}

/** The last `length` (0 to 7) bytes of a message, with the first padding byte after them. */
// @ts-ignore: decorator
@inline
function paddedTail(source: usize, length: usize): u64 {
  let lane: u64 = 1;
  for (let i = length; i > 0; i--) lane = (lane << 8) | load<u8>(source + i - 1);
  return lane;
}

function hashTwo(sourceA: usize, sourceB: usize, length: usize, targetA: usize, targetB: usize): void {
  memory.fill(STATE, 0, 400);
  for (; length >= RATE; length -= RATE) {
    for (let i: usize = 0; i < RATE; i += 8) absorbLane(i >> 3, load<u64>(sourceA + i), load<u64>(sourceB + i));
    permutePair();
    sourceA += RATE;
    sourceB += RATE;
  }
  const whole = length & ~7;
  for (let i: usize = 0; i < whole; i += 8) absorbLane(i >> 3, load<u64>(sourceA + i), load<u64>(sourceB + i));
  absorbLane(whole >> 3, paddedTail(sourceA + whole, length - whole), paddedTail(sourceB + whole, length - whole));
  absorbLane((RATE >> 3) - 1, 0x8000000000000000, 0x8000000000000000);
  permutePairToDigest();
  storeDigests(targetA, targetB);
}

/** Hashes `count` messages of `length` bytes that lie one after the other; the hashes too lie one after the other. */
export function keccak256Many(source: usize, length: u32, count: u32, target: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (; count >= 2; count -= 2) {
      hashTwo(source, source + length, length, target, target + 32);
      source += 2 * <usize>length;
      target += 64;
    }
  }
  for (; count > 0; count--) {
    keccak256(source, length, target);
    source += length;
    target += 32;
  }
}
