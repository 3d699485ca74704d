import type { Provider } from "ethers";

import { connectTowerBond } from "../../../chain/tower/connectTowerBond.ts";

export interface TowerBondState {
  /** Bonded with this signer, not leaving, and for this adjudicator. */
  readonly isGood: boolean;
  readonly amountWei: bigint;
  readonly maxMandateSeconds: number;
}

/** What stands behind a tower's receipts. */
export async function readBond(provider: Provider, address: string, expected: { readonly tower: string; readonly signer: string; readonly adjudicator: string }): Promise<TowerBondState> {
  const contract = connectTowerBond(address, provider);
  const [bond, maxMandateSeconds, adjudicator] = await Promise.all([contract.bondOf(expected.tower), contract.maxMandateSeconds(), contract.adjudicator()]);
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const isGood = bond.amountWei > 0n && bond.payableAt === 0n && isSame(bond.signer, expected.signer) && isSame(adjudicator, expected.adjudicator);
  return { isGood, amountWei: bond.amountWei, maxMandateSeconds: Number(maxMandateSeconds) };
}
