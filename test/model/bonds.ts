/** Prints every figure of docs/DISPUTES.md sections 5 and 6 from the measured gas: `node test/model/bonds.ts`. */
import { readFileSync } from "node:fs";

import { affordableEntries, entriesCost, movesOfGame } from "./bondModel.ts";

const GAS_PRICE_CAP_GWEI = 100;
const BASE_BOND_ETH = 1;
const BLOCK_GAS = 36_000_000;
const BLOCK_SECONDS = 12;
const SHARE_OF_L1 = 0.1;
const HOUR = 3_600;
/** What `prove` costs beyond the step: two entries and the elimination. */
const PROVE_OVERHEAD_GAS = 100_000;

const snapshot = JSON.parse(readFileSync(new URL("../../snapshots/gas.json", import.meta.url), "utf8")) as Record<string, Record<string, number>>;

function measured(name: string): number {
  const gas = snapshot["disputes"]?.[name];
  if (gas === undefined) throw new Error(`snapshots/gas.json has no "${name}"`);
  return gas;
}

const worstStep = Math.max(...Object.values(snapshot["steps"]!));

/** The honest side in the worst case: it enters, opens, makes every other answer, proves the dearest step, settles and withdraws. */
function gameGas(steps: number, k: number): number {
  const answers = movesOfGame(steps, k) - 1;
  const own = measured("Settlement.claim (a rival)") + measured("Settlement.release") + measured("Settlement.withdrawCredit");
  const settling = measured("BisectionGame.settle") + measured("BisectionGame.settleOpening (burns)");
  // The earlier one makes the dear first answer, the later one opens; whoever does not name the leaf proves.
  const asLater = measured(`BisectionGame.open, k = ${k}`) + Math.floor(answers / 2) * measured(`BisectionGame.answer, k = ${k}`);
  const asEarlier = measured(`BisectionGame.answer: a game's first, k = ${k}`) + (Math.ceil(answers / 2) - 1) * measured(`BisectionGame.answer, k = ${k}`);
  const proof = worstStep + PROVE_OVERHEAD_GAS;
  return own + settling + Math.max(asLater, asEarlier) + proof;
}

/** The dearest answer that a move bond has to pay for. */
function dearestAnswer(k: number): number {
  return Math.max(measured(`BisectionGame.answer: a game's first, k = ${k}`), measured(`BisectionGame.answer, k = ${k}`));
}

function eth(gas: number): string {
  return `${((gas * GAS_PRICE_CAP_GWEI) / 1e9).toFixed(4)} ETH`;
}

console.log(`gas price cap ${GAS_PRICE_CAP_GWEI} gwei, B = ${BASE_BOND_ETH} ETH, block ${BLOCK_GAS / 1e6} M gas, a tenth of it used`);
console.log(`dearest step ${worstStep} gas`);
console.log("\nsteps  k  moves  dearest answer  honest gas/game  at the cap");
for (const bits of [8, 16, 20]) {
  for (const k of [2, 4, 16]) {
    const gas = gameGas(2 ** bits, k);
    console.log(`2^${bits}  ${k}  ${movesOfGame(2 ** bits, k)}  ${dearestAnswer(k)} (${eth(dearestAnswer(k))})  ${gas}  ${eth(gas)}`);
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
const opening = measured("BisectionGame.open, k = 16");
const entering = measured("Settlement.claim (a rival)");
console.log(`\nnever repaid when all liars take each other out: entering and opening, ${entering + opening} gas, ${eth(entering + opening)}`);
const perPlayer = Math.ceil((movesOfGame(2 ** 20, 16) + 1) / 2);
console.log(`\nmoves of one player, its proof included (k = 16, 2^20): ${perPlayer}; C = 20 h + ${perPlayer} x 1 h = ${20 + perPlayer} h`);
const [windowHours, joinHours, clockHours, guardianHours] = [24, 24, 20 + perPlayer, 72];
const bound = windowHours + joinHours + 2 * clockHours;
console.log(`W + D + 2C = ${bound} h; exodus after 2 x ${bound} + ${guardianHours} = ${2 * bound + guardianHours} h`);
