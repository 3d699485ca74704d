/** Static memory and constants of Keccak-f[1600] that both permutations share. Lane i = x + 5y, little-endian 64-bit. */

/** Rate of keccak-256 in bytes. */
export const RATE: usize = 136;

/** Two states of 25 lanes, 16 bytes a lane: a round reads one and writes the other. The scalar path uses 8 bytes a lane. */
export const STATE: usize = memory.data(800, 16);

/** The iota constant of each of the 24 rounds. */
export const ROUND_CONSTANTS: usize = memory.data<u64>([
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
  0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
  0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
  0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]);

/** Lane 16 of a padded 129-byte node: the tag, the first padding byte after it, the last padding byte at the end of the rate. */
// @ts-ignore: decorator
@inline
export function paddedTagLane(tag: u32): u64 {
  return <u64>tag | 0x8000000000000100;
}
