/** Prints every figure of docs/DISPUTES.md sections 5 and 6: `node test/model/bonds.ts`. Gas of moves is an estimate until it is measured. */
import { affordableEntries, entriesCost, movesOfGame } from "./bondModel.ts";

const GAS_PRICE_CAP_GWEI = 100;
const BASE_BOND_ETH = 1;
const BLOCK_GAS = 36_000_000;
const BLOCK_SECONDS = 12;
const SHARE_OF_L1 = 0.1;
const PROOF_GAS = 800_000;
const ENTRY_AND_SETTLE_GAS = 250_000;
const HOUR = 3_600;

/** Transaction, two storage words, event, and k states in and out as calldata at 16 gas a byte, hashed. */
function moveGas(k: number): number {
  return 55_000 + 2 * k * 32 * 16 + 2 * k * 42;
}

/** The honest side in the worst case: it opens or answers every other move, proves, enters and settles. */
function gameGas(steps: number, k: number): number {
  return Math.ceil(movesOfGame(steps, k) / 2) * moveGas(k) + PROOF_GAS + ENTRY_AND_SETTLE_GAS;
}

function eth(gas: number): string {
  return `${((gas * GAS_PRICE_CAP_GWEI) / 1e9).toFixed(4)} ETH`;
}

console.log(`gas price cap ${GAS_PRICE_CAP_GWEI} gwei, B = ${BASE_BOND_ETH} ETH, block ${BLOCK_GAS / 1e6} M gas, a tenth of it used`);
console.log("\nsteps  k  moves  gas/move  honest gas/game  at the cap");
for (const bits of [8, 16, 20]) {
  for (const k of [2, 4, 16]) {
    const gas = gameGas(2 ** bits, k);
    console.log(`2^${bits}  ${k}  ${movesOfGame(2 ** bits, k)}  ${moveGas(k)}  ${gas}  ${eth(gas)}`);
  }
}
console.log("\nvalue (ETH)  entries it buys  answered in (hours, k = 16, 2^20 steps)  attack/defence");
const gas = gameGas(2 ** 20, 16);
for (const value of [1_000, 10_000, 100_000, 1_000_000]) {
  const entries = affordableEntries(value / BASE_BOND_ETH);
  const hours = (entries * gas) / ((SHARE_OF_L1 * BLOCK_GAS) / BLOCK_SECONDS) / HOUR;
  const defence = (entries * gas * GAS_PRICE_CAP_GWEI) / 1e9;
  console.log(`${value}  ${entries}  ${hours.toFixed(2)}  ${(value / defence).toFixed(1)}`);
}
console.log("\nreserve of the honest party (B)  entries that price it out  they cost (B)");
for (const reserve of [2, 10, 35, 100]) {
  const entries = 32 * (reserve - 1) + 1;
  console.log(`${reserve}  ${entries}  ${entriesCost(entries).toFixed(0)}`);
}
const perPlayer = Math.ceil((movesOfGame(2 ** 20, 16) + 1) / 2);
console.log(`\nmoves of one player, its proof included (k = 16, 2^20): ${perPlayer}; C = 20 h + ${perPlayer} x 1 h = ${20 + perPlayer} h`);
const [windowHours, joinHours, clockHours, guardianHours] = [24, 24, 20 + perPlayer, 72];
const bound = windowHours + joinHours + 2 * clockHours;
console.log(`W + D + 2C = ${bound} h; exodus after 2 x ${bound} + ${guardianHours} = ${2 * bound + guardianHours} h`);
