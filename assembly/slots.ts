/** The running hash of a list of 96-byte slots: h = keccak256(h ‖ slot), one permutation a slot. */
import { STATE } from "./constants";
import { interleave, storeDigests } from "./lanes";
import { permuteToDigest } from "./permute";
import { permutePairToDigest } from "./permutePair";

/** First and last padding byte of a 128-byte message, which share lane 16. */
const PADDING_LANE: u64 = 0x8000000000000001;

/** Absorbs `count` slots at `slots` into the 32 bytes at `hash`. */
export function absorbSlots(hash: usize, slots: usize, count: u32): void {
  memory.copy(STATE, hash, 32);
  for (; count > 0; count--) {
    memory.copy(STATE + 32, slots, 96);
    store<u64>(STATE, PADDING_LANE, 128);
    memory.fill(STATE + 136, 0, 64);
    permuteToDigest();
    slots += 96;
  }
  memory.copy(hash, STATE, 32);
}

/** Two lists of the same length at once. */
export function absorbSlotsPair(hashA: usize, slotsA: usize, hashB: usize, slotsB: usize, count: u32): void {
  if (!ASC_FEATURE_SIMD) {
    absorbSlots(hashA, slotsA, count);
    absorbSlots(hashB, slotsB, count);
  } else {
    interleave(STATE, hashA, hashB, 32);
    for (; count > 0; count--) {
      interleave(STATE + 64, slotsA, slotsB, 96);
      v128.store(STATE, i64x2.splat(PADDING_LANE), 256);
      memory.fill(STATE + 272, 0, 128);
      permutePairToDigest();
      slotsA += 96;
      slotsB += 96;
    }
    storeDigests(hashA, hashB);
  }
}
