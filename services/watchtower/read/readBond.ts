import { Contract } from "ethers";
import type { Provider } from "ethers";

import { towerBondAbi } from "../../../chain/generated/abi/TowerBond.ts";
import type { TowerBond } from "../../../typechain-types/channels/index.ts";

export interface TowerBondState {
  /** Bonded with this signer, not leaving, and for this adjudicator. */
  readonly isGood: boolean;
  readonly amountWei: bigint;
  readonly maxMandateSeconds: number;
}

/** What stands behind a tower's receipts. */
export async function readBond(provider: Provider, address: string, expected: { readonly tower: string; readonly signer: string; readonly adjudicator: string }): Promise<TowerBondState> {
  const contract = new Contract(address, towerBondAbi, provider) as unknown as TowerBond;
  const [bond, maxMandateSeconds, adjudicator] = await Promise.all([contract.bondOf(expected.tower), contract.maxMandateSeconds(), contract.adjudicator()]);
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const isGood = bond.amountWei > 0n && bond.payableAt === 0n && isSame(bond.signer, expected.signer) && isSame(adjudicator, expected.adjudicator);
  return { isGood, amountWei: bond.amountWei, maxMandateSeconds: Number(maxMandateSeconds) };
}
