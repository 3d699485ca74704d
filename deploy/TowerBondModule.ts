import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

const DAY_SECONDS = 86_400;
/** One ETH: what a tower loses when it sleeps. */
export const TOWER_BOND_WEI = 10n ** 18n;
export const TOWER_MANDATE_SECONDS = 30 * DAY_SECONDS;
/**
 * Longer than the longest promise and all that it may take to show that it was broken: windows are at most a quarter of a promise,
 * and locks let a close wait for up to six of them.
 */
export const TOWER_UNBONDING_SECONDS = 90 * DAY_SECONDS;

/** Ignition's plan for the bonds of the towers that watch one chain's channels. Parameter: `adjudicator`. */
export const TowerBondModule = buildModule("TowerBond", (m) => ({
  towerBond: m.contract("TowerBond", [m.getParameter("adjudicator"), TOWER_BOND_WEI, TOWER_MANDATE_SECONDS, TOWER_UNBONDING_SECONDS]),
}));
