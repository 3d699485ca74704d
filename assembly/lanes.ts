/** Moving bytes between two messages and the state that holds both side by side. */
import { STATE } from "./constants";

/** Writes the lanes of two messages of `bytes` bytes (a multiple of 16) side by side. */
// @ts-ignore: decorator
@inline
export function interleave(target: usize, sourceA: usize, sourceB: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const a = v128.load(sourceA + i);
    const b = v128.load(sourceB + i);
    v128.store(target + 2 * i, v128.shuffle<u64>(a, b, 0, 2));
    v128.store(target + 2 * i, v128.shuffle<u64>(a, b, 1, 3), 16);
  }
}

/** Writes the two digests, lanes 0 to 3 of the states at STATE. */
// @ts-ignore: decorator
@inline
export function storeDigests(targetA: usize, targetB: usize): void {
  for (let i: usize = 0; i < 32; i += 16) {
    const low = v128.load(STATE + 2 * i);
    const high = v128.load(STATE + 2 * i, 16);
    v128.store(targetA + i, v128.shuffle<u64>(low, high, 0, 2));
    v128.store(targetB + i, v128.shuffle<u64>(low, high, 1, 3));
  }
}
