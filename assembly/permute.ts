/**
 * Keccak-f[1600] on one state, for leftovers, long messages and machines without SIMD.
 * A round reads the state at `from` and writes the one at `to`, one output row at a time, so that few lanes are live at once.
 */
import { ROUND_CONSTANTS, STATE } from "./constants";

const OTHER_STATE: usize = STATE + 400;

// @ts-ignore: decorator
@inline
function round(from: usize, to: usize, constant: u64): void {
  const c0 = ((((load<u64>(from, 0) ^ load<u64>(from, 40)) ^ load<u64>(from, 80)) ^ load<u64>(from, 120)) ^ load<u64>(from, 160));
  const c1 = ((((load<u64>(from, 8) ^ load<u64>(from, 48)) ^ load<u64>(from, 88)) ^ load<u64>(from, 128)) ^ load<u64>(from, 168));
  const c2 = ((((load<u64>(from, 16) ^ load<u64>(from, 56)) ^ load<u64>(from, 96)) ^ load<u64>(from, 136)) ^ load<u64>(from, 176));
  const c3 = ((((load<u64>(from, 24) ^ load<u64>(from, 64)) ^ load<u64>(from, 104)) ^ load<u64>(from, 144)) ^ load<u64>(from, 184));
  const c4 = ((((load<u64>(from, 32) ^ load<u64>(from, 72)) ^ load<u64>(from, 112)) ^ load<u64>(from, 152)) ^ load<u64>(from, 192));
  const d0 = (c4 ^ rotl<u64>(c1, 1));
  const d1 = (c0 ^ rotl<u64>(c2, 1));
  const d2 = (c1 ^ rotl<u64>(c3, 1));
  const d3 = (c2 ^ rotl<u64>(c4, 1));
  const d4 = (c3 ^ rotl<u64>(c0, 1));

  let b0 = (load<u64>(from, 0) ^ d0);
  let b1 = rotl<u64>((load<u64>(from, 48) ^ d1), 44);
  let b2 = rotl<u64>((load<u64>(from, 96) ^ d2), 43);
  let b3 = rotl<u64>((load<u64>(from, 144) ^ d3), 21);
  let b4 = rotl<u64>((load<u64>(from, 192) ^ d4), 14);
  store<u64>(to, ((b0 ^ (~b1 & b2)) ^ constant), 0);
  store<u64>(to, (b1 ^ (~b2 & b3)), 8);
  store<u64>(to, (b2 ^ (~b3 & b4)), 16);
  store<u64>(to, (b3 ^ (~b4 & b0)), 24);
  store<u64>(to, (b4 ^ (~b0 & b1)), 32);

  b0 = rotl<u64>((load<u64>(from, 24) ^ d3), 28);
  b1 = rotl<u64>((load<u64>(from, 72) ^ d4), 20);
  b2 = rotl<u64>((load<u64>(from, 80) ^ d0), 3);
  b3 = rotl<u64>((load<u64>(from, 128) ^ d1), 45);
  b4 = rotl<u64>((load<u64>(from, 176) ^ d2), 61);
  store<u64>(to, (b0 ^ (~b1 & b2)), 40);
  store<u64>(to, (b1 ^ (~b2 & b3)), 48);
  store<u64>(to, (b2 ^ (~b3 & b4)), 56);
  store<u64>(to, (b3 ^ (~b4 & b0)), 64);
  store<u64>(to, (b4 ^ (~b0 & b1)), 72);

  b0 = rotl<u64>((load<u64>(from, 8) ^ d1), 1);
  b1 = rotl<u64>((load<u64>(from, 56) ^ d2), 6);
  b2 = rotl<u64>((load<u64>(from, 104) ^ d3), 25);
  b3 = rotl<u64>((load<u64>(from, 152) ^ d4), 8);
  b4 = rotl<u64>((load<u64>(from, 160) ^ d0), 18);
  store<u64>(to, (b0 ^ (~b1 & b2)), 80);
  store<u64>(to, (b1 ^ (~b2 & b3)), 88);
  store<u64>(to, (b2 ^ (~b3 & b4)), 96);
  store<u64>(to, (b3 ^ (~b4 & b0)), 104);
  store<u64>(to, (b4 ^ (~b0 & b1)), 112);

  b0 = rotl<u64>((load<u64>(from, 32) ^ d4), 27);
  b1 = rotl<u64>((load<u64>(from, 40) ^ d0), 36);
  b2 = rotl<u64>((load<u64>(from, 88) ^ d1), 10);
  b3 = rotl<u64>((load<u64>(from, 136) ^ d2), 15);
  b4 = rotl<u64>((load<u64>(from, 184) ^ d3), 56);
  store<u64>(to, (b0 ^ (~b1 & b2)), 120);
  store<u64>(to, (b1 ^ (~b2 & b3)), 128);
  store<u64>(to, (b2 ^ (~b3 & b4)), 136);
  store<u64>(to, (b3 ^ (~b4 & b0)), 144);
  store<u64>(to, (b4 ^ (~b0 & b1)), 152);

  b0 = rotl<u64>((load<u64>(from, 16) ^ d2), 62);
  b1 = rotl<u64>((load<u64>(from, 64) ^ d3), 55);
  b2 = rotl<u64>((load<u64>(from, 112) ^ d4), 39);
  b3 = rotl<u64>((load<u64>(from, 120) ^ d0), 41);
  b4 = rotl<u64>((load<u64>(from, 168) ^ d1), 2);
  store<u64>(to, (b0 ^ (~b1 & b2)), 160);
  store<u64>(to, (b1 ^ (~b2 & b3)), 168);
  store<u64>(to, (b2 ^ (~b3 & b4)), 176);
  store<u64>(to, (b3 ^ (~b4 & b0)), 184);
  store<u64>(to, (b4 ^ (~b0 & b1)), 192);
}

/** The last round as far as a 256-bit digest needs it: lanes 0 to 3. */
// @ts-ignore: decorator
@inline
function lastRound(from: usize, to: usize, constant: u64): void {
  const c0 = ((((load<u64>(from, 0) ^ load<u64>(from, 40)) ^ load<u64>(from, 80)) ^ load<u64>(from, 120)) ^ load<u64>(from, 160));
  const c1 = ((((load<u64>(from, 8) ^ load<u64>(from, 48)) ^ load<u64>(from, 88)) ^ load<u64>(from, 128)) ^ load<u64>(from, 168));
  const c2 = ((((load<u64>(from, 16) ^ load<u64>(from, 56)) ^ load<u64>(from, 96)) ^ load<u64>(from, 136)) ^ load<u64>(from, 176));
  const c3 = ((((load<u64>(from, 24) ^ load<u64>(from, 64)) ^ load<u64>(from, 104)) ^ load<u64>(from, 144)) ^ load<u64>(from, 184));
  const c4 = ((((load<u64>(from, 32) ^ load<u64>(from, 72)) ^ load<u64>(from, 112)) ^ load<u64>(from, 152)) ^ load<u64>(from, 192));
  const d0 = (c4 ^ rotl<u64>(c1, 1));
  const d1 = (c0 ^ rotl<u64>(c2, 1));
  const d2 = (c1 ^ rotl<u64>(c3, 1));
  const d3 = (c2 ^ rotl<u64>(c4, 1));
  const d4 = (c3 ^ rotl<u64>(c0, 1));

  let b0 = (load<u64>(from, 0) ^ d0);
  let b1 = rotl<u64>((load<u64>(from, 48) ^ d1), 44);
  let b2 = rotl<u64>((load<u64>(from, 96) ^ d2), 43);
  let b3 = rotl<u64>((load<u64>(from, 144) ^ d3), 21);
  let b4 = rotl<u64>((load<u64>(from, 192) ^ d4), 14);
  store<u64>(to, ((b0 ^ (~b1 & b2)) ^ constant), 0);
  store<u64>(to, (b1 ^ (~b2 & b3)), 8);
  store<u64>(to, (b2 ^ (~b3 & b4)), 16);
  store<u64>(to, (b3 ^ (~b4 & b0)), 24);
}

/** Permutes the state at STATE. */
export function permute(): void {
  let constants = ROUND_CONSTANTS;
  for (let i = 0; i < 12; i++) {
    round(STATE, OTHER_STATE, load<u64>(constants, 0));
    round(OTHER_STATE, STATE, load<u64>(constants, 8));
    constants += 16;
  }
}

/** Permutes the state at STATE; afterwards only lanes 0 to 3, the digest, are valid. */
export function permuteToDigest(): void {
  let constants = ROUND_CONSTANTS;
  for (let i = 0; i < 11; i++) {
    round(STATE, OTHER_STATE, load<u64>(constants, 0));
    round(OTHER_STATE, STATE, load<u64>(constants, 8));
    constants += 16;
  }
  round(STATE, OTHER_STATE, load<u64>(constants, 0));
  lastRound(OTHER_STATE, STATE, load<u64>(constants, 8));
}
