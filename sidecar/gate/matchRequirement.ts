import type { PaymentRequirements } from "@x402/core/types";

import { SidecarError } from "../SidecarError.ts";
import type { Way } from "../ways/Way.ts";

/** Something that is asked for, or was so a moment ago. */
export interface Asked {
  readonly way: Way;
  readonly requirement: PaymentRequirements;
  readonly amount: bigint;
}

function isSameAddress(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/**
 * Of what is asked for, that which a payment says it answers: the same scheme, network, asset and payee, and the highest amount that is
 * not above the offered one. `extra` and the time allowed are ours to say, whatever the payment repeats of them.
 * @throws SidecarError `payment/unknown-requirement`, `payment/wrong-chain`, `payment/wrong-asset`, `payment/wrong-payee`, `payment/underpaid`
 */
export function matchRequirement({ scheme, network, asset, payTo, amount }: PaymentRequirements, asked: readonly Asked[]): Asked {
  const ofScheme = asked.filter(({ requirement }) => requirement.scheme === scheme);
  if (ofScheme.length === 0) throw new SidecarError("payment/unknown-requirement", {});
  const onChain = ofScheme.filter(({ requirement }) => requirement.network === network);
  if (onChain.length === 0) throw new SidecarError("payment/wrong-chain", { network });
  const inAsset = onChain.filter(({ requirement }) => isSameAddress(requirement.asset, asset));
  if (inAsset.length === 0) throw new SidecarError("payment/wrong-asset", { asset });
  const toUs = inAsset.filter(({ requirement }) => isSameAddress(requirement.payTo, payTo));
  if (toUs.length === 0) throw new SidecarError("payment/wrong-payee", { payTo });
  const offered = BigInt(amount);
  let best: Asked | undefined;
  for (const one of toUs) if (one.amount <= offered && (best === undefined || one.amount > best.amount)) best = one;
  if (best === undefined) throw new SidecarError("payment/underpaid", { asked: String(toUs[0]!.amount), offered: amount });
  return best;
}
