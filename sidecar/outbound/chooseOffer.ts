import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";

import { SidecarError } from "../SidecarError.ts";
import type { AssetLimits } from "./Budget.ts";
import type { BuyerWay } from "./ways/BuyerWay.ts";

/** One thing that may be paid, and how. */
export interface Candidate {
  readonly way: BuyerWay;
  readonly requirement: PaymentRequirements;
  readonly amount: bigint;
}

export interface ChooseRules {
  /** In order of preference. */
  readonly ways: readonly BuyerWay[];
  readonly limitsOf: (network: string, asset: string) => AssetLimits | undefined;
  /** Lower case; undefined: anybody. */
  readonly agents: ReadonlySet<string> | undefined;
  /** Who must be paid, lower case; undefined: it is not known. */
  readonly payee: string | undefined;
  /** Of the request as this side has it, 0x and 64 digits. */
  readonly requestHash: string;
}

/** The least likely to be an honest mistake is told first. */
const TELLING: readonly string[] = ["buy/payee", "buy/offer", "buy/agent", "buy/too-expensive", "buy/no-way"];

function refusalOf(way: BuyerWay, requirement: PaymentRequirements, rules: ChooseRules): SidecarError | undefined {
  const { network, asset, amount, payTo, extra } = requirement;
  const limits = rules.limitsOf(network, asset);
  if (limits === undefined) return new SidecarError("buy/no-way", { problem: `no budget for ${network}/${asset}` });
  const problem = way.refusal(requirement);
  if (problem !== undefined) return new SidecarError("buy/no-way", { problem: `${way.name}: ${problem}` });
  const named = extra?.["requestHash"];
  if (named !== undefined && (typeof named !== "string" || named.toLowerCase() !== rules.requestHash)) return new SidecarError("buy/offer", { problem: "it names another request" });
  const to = payTo.toLowerCase();
  if (rules.payee !== undefined && to !== rules.payee) return new SidecarError("buy/payee", { payTo, known: rules.payee });
  if (rules.agents !== undefined && !rules.agents.has(to)) return new SidecarError("buy/agent", { payTo });
  if (BigInt(amount) > limits.maxPerCall) return new SidecarError("buy/too-expensive", { asked: amount, most: String(limits.maxPerCall), asset });
  return undefined;
}

/**
 * Which of a seller's requirements may be paid, best first: in the order of the ways, the cheapest of each. Pure.
 * @throws SidecarError the most telling refusal when there is none
 */
export function chooseOffer(offer: PaymentRequired, rules: ChooseRules): readonly Candidate[] {
  const candidates: Candidate[] = [];
  const refusals: SidecarError[] = [];
  for (const way of rules.ways) {
    const ofWay: Candidate[] = [];
    for (const requirement of offer.accepts) {
      if (requirement.scheme !== way.scheme) continue;
      const refusal = refusalOf(way, requirement, rules);
      if (refusal === undefined) ofWay.push({ way, requirement, amount: BigInt(requirement.amount) });
      else refusals.push(refusal);
    }
    candidates.push(...ofWay.sort((a, b) => (a.amount < b.amount ? -1 : a.amount > b.amount ? 1 : 0)));
  }
  if (candidates.length > 0) return candidates;
  for (const code of TELLING) {
    const refusal = refusals.find((error) => error.code === code);
    if (refusal !== undefined) throw refusal;
  }
  throw new SidecarError("buy/no-way", { problem: `it takes ${[...new Set(offer.accepts.map(({ scheme }) => scheme))].join(", ").slice(0, 200)}` });
}
