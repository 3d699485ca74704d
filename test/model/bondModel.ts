/** Amounts and sizes of disputes, from docs/DISPUTES.md section 6. Pure arithmetic on plain numbers. */

/** Every so many entries the next bond costs one base bond more. */
export const BOND_STEP_ENTRIES = 32;

/** Bond of entry n (from 0): B(1 + n/32), in the unit of `base`. */
export function entryBond(base: number, n: number): number {
  return Math.ceil((base * (BOND_STEP_ENTRIES + n)) / BOND_STEP_ENTRIES);
}

/** How a dead entry's bond is shared. `refund + reward + burned` is always `bond`. */
export interface BondShares {
  readonly refund: number;
  readonly reward: number;
  readonly burned: number;
}

/** The winner gets the gas of a whole game and a capped reward; at least half of what is left after the gas is burned. */
export function shareBond(bond: number, gasRefund: number, rewardCap: number): BondShares {
  const refund = Math.min(gasRefund, Math.floor(bond / 2));
  const reward = Math.min(rewardCap, Math.floor((bond - refund) / 2));
  return { refund, reward, burned: bond - refund - reward };
}

/** What n entries cost together, in base bonds: n + n(n-1)/64. */
export function entriesCost(n: number): number {
  return n + (n * (n - 1)) / (2 * BOND_STEP_ENTRIES);
}

/** The most entries that `budget` base bonds buy. */
export function affordableEntries(budget: number): number {
  const linear = 1 - 1 / (2 * BOND_STEP_ENTRIES);
  let n = Math.floor(BOND_STEP_ENTRIES * (Math.sqrt(linear * linear + (2 * budget) / BOND_STEP_ENTRIES) - linear));
  while (entriesCost(n) > budget) n -= 1;
  return n;
}

/** Moves of both sides in a game over `steps` steps, the opening and the move that names a single step included; the proof is not. */
export function movesOfGame(steps: number, k: number): number {
  let moves = 1;
  for (let length = steps; length > 1; length = Math.ceil(length / k)) moves += 1;
  return Math.max(2, moves);
}
