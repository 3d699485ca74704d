import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { TowerBond } from "../../typechain-types/channels/index.ts";
import { towerBondAbi } from "../generated/abi/TowerBond.ts";

/** @param runner a provider to read, a signer to send as well */
export function connectTowerBond(address: string, runner: ContractRunner): TowerBond {
  return new Contract(address, towerBondAbi, runner) as unknown as TowerBond;
}
