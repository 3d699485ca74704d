import type { Signer } from "ethers";

import { connectIdentityRegistry } from "../../chain/agents/connectRegistries.ts";
import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { minPriceOf } from "../../chain/bounties/workCost.ts";
import { readProven } from "../agents/readProven.ts";
import { sdkError } from "../SdkError.ts";

/**
 * Whether a bid can be revealed, as far as it is to be seen when it is hidden: the board looks only then, and half of the stake is lost.
 * @param signer with a provider
 * @param registry the board's IdentityRegistry
 * @throws SdkError `SDK_INPUT`; what ethers throws for an agent that is not there
 */
export async function checkBid(signer: Signer, registry: string, terms: BountyTerms, bid: { readonly bidder: string; readonly agentId: bigint; readonly priceBase: bigint }): Promise<void> {
  const { bidder, agentId, priceBase } = bid;
  const least = minPriceOf(terms);
  if (priceBase > terms.ceiling || priceBase < least) throw sdkError("SDK_INPUT", `the price ${priceBase} is not between ${least} and the ceiling ${terms.ceiling}, all in base units`, { priceBase });
  const [mayAct, proven] = await Promise.all([
    connectIdentityRegistry(registry, signer).isAuthorizedOrOwner(bidder, agentId),
    terms.minProvenCalls === 0n ? undefined : readProven(signer.provider!, terms.proofOfService, agentId),
  ]);
  if (!mayAct) throw sdkError("SDK_INPUT", `${bidder} may not act for agent ${agentId}`, { agentId });
  if (proven !== undefined && proven.calls < terms.minProvenCalls) throw sdkError("SDK_INPUT", `agent ${agentId} has ${proven.calls} proven calls, the bounty wants ${terms.minProvenCalls}`, { agentId });
}
