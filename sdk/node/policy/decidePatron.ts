import type { PatronAction, PatronBounty, PatronRules, PatronState, SeenBid } from "./PatronState.ts";

/** The cheapest bid of those that may be hired; of equals the one with more proven calls. */
export function chooseBid(bids: readonly SeenBid[], rules: PatronRules, poolBase: bigint, failed: readonly string[]): SeenBid | undefined {
  const isFit = ({ bidder, isLive, calls, score, priceBase }: SeenBid): boolean =>
    isLive && priceBase <= poolBase && calls >= rules.minBidderCalls && (score === undefined || score >= rules.minBidderScore) && (rules.isForgiving || !failed.includes(bidder));
  return bids.filter(isFit).reduce<SeenBid | undefined>((best, bid) => {
    if (best === undefined || bid.priceBase < best.priceBase) return bid;
    return bid.priceBase === best.priceBase && bid.calls > best.calls ? bid : best;
  }, undefined);
}

function decideOpen(bounty: PatronBounty, state: PatronState, rules: PatronRules): PatronAction[] {
  const { phase, poolBase, bids } = bounty;
  const isTired = state.nowSeconds >= bounty.postedAt + rules.closeAfterSeconds;
  if (isTired) return [{ type: "close" }];
  if (phase === "FUNDING") {
    const missing = rules.poolBase - poolBase;
    if (missing <= 0n) return [];
    return state.balanceBase < missing ? [{ type: "wait", reason: "the account has too little money for the pool" }] : [{ type: "fund", amountBase: missing }];
  }
  // Later anyone may award the lowest bid, which need not be one that the policy takes.
  if (phase === "AWARD") {
    const bid = chooseBid(bids, rules, poolBase, state.failed);
    return [bid === undefined ? { type: "wait", reason: "no bid is one that the policy takes" } : { type: "award", bid }];
  }
  if (phase === "LAPSED") return [{ type: bounty.round > 0 && bounty.round < bounty.maxRounds && poolBase > 0n ? "reopen" : "close" }];
  return [];
}

/** What a patron does next: pure, from what the chain says now. */
export function decidePatron(state: PatronState, rules: PatronRules): PatronAction[] {
  const { bounty } = state;
  if (bounty === undefined) {
    return state.balanceBase < rules.poolBase ? [{ type: "wait", reason: "the account has too little money for the pool" }] : [{ type: "post" }];
  }
  const actions: PatronAction[] = [];
  if (bounty.phase === "CLOSED") {
    if (bounty.refundBase > 0n) actions.push({ type: "refund", amountBase: bounty.refundBase });
  } else if (bounty.engaged !== undefined) {
    const { bidder, hasFailed, finishAt } = bounty.engaged;
    if (hasFailed) actions.push({ type: "fail", bidder });
    else if (state.nowSeconds >= finishAt) actions.push({ type: "finish" });
  } else {
    actions.push(...decideOpen(bounty, state, rules));
  }
  if (state.creditBase > 0n) actions.push({ type: "withdrawCredit", amountBase: state.creditBase });
  return actions;
}
