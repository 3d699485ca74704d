import type { RootContracts } from "../../chain/connectContracts.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import type { Intent } from "../../chain/transactions/intent.ts";
import type { ClaimerAction } from "./decideClaims.ts";

export interface IntentSources {
  readonly contracts: RootContracts;
  readonly deployment: Deployment;
  readonly self: string;
}

/** The transaction of an action. Its id names the effect, so that asking twice sends once. */
export async function intentOf(action: ClaimerAction, { contracts, deployment, self }: IntentSources): Promise<Intent> {
  const { inbox, settlement } = contracts;
  const to = deployment.contracts.settlement;
  switch (action.kind) {
    case "closeEpoch":
      return { id: `close-epoch/${action.epoch}`, to: deployment.contracts.inbox, valueWei: 0n, data: inbox.interface.encodeFunctionData("closeEpoch") };
    case "claim": {
      const { epoch, parentClaim, claimId, stateRoot } = action.epoch;
      const accumulator = await inbox.epochAccumulator(epoch);
      const data = settlement.interface.encodeFunctionData("claim", [parentClaim, epoch, stateRoot, accumulator]);
      return { id: `claim/${claimId}`, to, valueWei: await settlement.bondFor(parentClaim), data };
    }
    case "back": {
      const { parent } = await settlement.claims(action.claimId);
      return { id: `back/${action.claimId}`, to, valueWei: await settlement.bondFor(parent), data: settlement.interface.encodeFunctionData("back", [action.claimId]) };
    }
    case "confirm":
      return { id: `confirm/${action.claimId}`, to, valueWei: 0n, data: settlement.interface.encodeFunctionData("confirm", [action.claimId]) };
    case "withdrawBond":
      return { id: `bond/${action.claimId}`, to, valueWei: 0n, data: settlement.interface.encodeFunctionData("withdrawBond", [action.claimId, self]) };
  }
}
