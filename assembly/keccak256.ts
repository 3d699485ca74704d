/** keccak-256 with Ethereum's padding (0x01 … 0x80) for messages of any length. */
import { RATE, STATE } from "./constants";
import { permute, permuteToDigest } from "./permute";

/** Starts a message. */
export function begin(): void {
  memory.fill(STATE, 0, 200);
}

/** Absorbs `blocks` whole blocks of 136 bytes. */
export function absorb(source: usize, blocks: u32): void {
  for (; blocks > 0; blocks--) {
    for (let i: usize = 0; i < RATE; i += 8) store<u64>(STATE + i, load<u64>(STATE + i) ^ load<u64>(source + i));
    permute();
    source += RATE;
  }
}

/** Absorbs the last `length` bytes (fewer than 136), pads, and writes the 32 bytes of the hash to `target`. */
export function finish(source: usize, length: u32, target: usize): void {
  const whole = <usize>length & ~7;
  for (let i: usize = 0; i < whole; i += 8) store<u64>(STATE + i, load<u64>(STATE + i) ^ load<u64>(source + i));
  for (let i = whole; i < <usize>length; i++) store<u8>(STATE + i, load<u8>(STATE + i) ^ load<u8>(source + i));
  store<u8>(STATE + length, load<u8>(STATE + length) ^ 0x01);
  store<u8>(STATE + RATE - 1, load<u8>(STATE + RATE - 1) ^ 0x80);
  permuteToDigest();
  memory.copy(target, STATE, 32);
}

/** The whole of it, for a message that lies in memory. */
export function keccak256(source: usize, length: u32, target: usize): void {
  const blocks = length / <u32>RATE;
  begin();
  absorb(source, blocks);
  finish(source + <usize>blocks * RATE, length % <u32>RATE, target);
}
