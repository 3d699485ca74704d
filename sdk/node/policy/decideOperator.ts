import type { OperatorAction, OperatorRules, OperatorState, SeenBounty } from "./OperatorState.ts";

/** ETH, as bounties name it. */
const ETH = `0x${"0".repeat(40)}`;

function isHiredBy({ engaged }: SeenBounty, { me }: OperatorState): boolean {
  return engaged?.bidder === me;
}

/** A bid that can still be awarded, so that its bidder has to stand by. */
function isBound(bounty: SeenBounty): boolean {
  const { bid, phase, round } = bounty;
  return phase !== "CLOSED" && (bid?.status === "REVEALED" || (bid?.status === "COMMITTED" && bid.round === round));
}

/** Why the terms of a bounty are none that the rules take; undefined if they are. */
function whyUnfit(bounty: SeenBounty, rules: OperatorRules, me: string): string | undefined {
  const { chain } = bounty;
  if (bounty.role !== "SEQUENCER" || bounty.kind !== "METERED") return "it is no metered work of a sequencer";
  if (bounty.token.toLowerCase() !== rules.token.toLowerCase()) return "it pays in another token";
  if (bounty.onlyBidder !== undefined && bounty.onlyBidder !== me) return "it is for somebody else";
  if (!rules.meters.includes(bounty.meter.toLowerCase())) return "its meter is not known";
  if (!chain.isKnown) return chain.reason;
  if (chain.silenceSeconds < rules.minSilenceSeconds) return "its meter calls an operator silent too soon";
  if (chain.graceSeconds < rules.minGraceSeconds) return "it leaves too little time to come up";
  if (chain.operatorBondWei > rules.maxOperatorBondWei) return "the bond of the set is above the limit";
  if (bounty.workSeconds < rules.minWorkSeconds) return "the work is too short";
  if (bounty.stakeBase > rules.maxStakeBase) return "the stake is above the limit";
  if (bounty.ceilingBase < rules.priceBase) return "it pays too little for a unit";
  if (bounty.poolBase < rules.priceBase * rules.minUnits) return "its pool pays too few units";
  return undefined;
}

/** Why no bid is made now although the terms may be fit; undefined if one is. */
function whyNot(bounty: SeenBounty, rules: OperatorRules, state: OperatorState): string | undefined {
  const unfit = whyUnfit(bounty, rules, state.me);
  if (unfit !== undefined) return unfit;
  if ((bounty.posterCalls ?? 0) < rules.minPosterCalls) return "its poster has proven too few paid calls";
  if (state.provenCalls < bounty.minProvenCalls) return "it asks for more proven calls than this agent has";
  // Whoever bids may be hired: one that cannot do the work of all its bids would lose stakes.
  const others = state.bounties.filter((each) => each.id !== bounty.id && (isBound(each) || isHiredBy(each, state)));
  if (others.length >= rules.maxEngagements) return "there is as much work as the policy allows";
  const bondWei = bounty.chain.isKnown ? bounty.chain.operatorBondWei : 0n;
  const isEth = rules.token.toLowerCase() === ETH;
  if (state.balanceWei < bondWei + rules.reserveWei + (isEth ? bounty.stakeBase : 0n)) return "the account has too little ETH";
  if (!isEth && state.balanceBase < bounty.stakeBase) return "the account has too little of the token";
  return undefined;
}

/** At work: in the set, the process up, paid in time. */
function decideWork(bounty: SeenBounty, rules: OperatorRules, state: OperatorState): OperatorAction[] {
  const { id, engaged } = bounty;
  if (engaged === undefined) return [];
  const actions: OperatorAction[] = [];
  const membership = state.sets.get(id)?.membership ?? "none";
  const isRunning = state.sequencer?.bounty === id && state.sequencer.isUp;
  // What it has done by then is paid with it.
  if (state.nowSeconds >= engaged.finishAt) return [{ type: "finish", bounty: id }];
  // In the set first: a process that comes up before would have nothing to post with. It goes on after the work's end, until all is confirmed.
  if (membership === "none" && bounty.chain.isKnown) actions.push({ type: "join", bounty: id, bondWei: bounty.chain.operatorBondWei });
  if (membership === "member" && !isRunning) actions.push({ type: "startSequencer", bounty: id });
  const { unpaidUnits } = engaged;
  const isDue = state.nowSeconds - (state.claimedAt.get(id) ?? 0) >= rules.claimSeconds;
  if (unpaidUnits >= rules.claimUnits || (unpaidUnits > 0n && isDue)) actions.push({ type: "claimUnits", bounty: id, units: unpaidUnits });
  return actions;
}

/** Where it was at work, or was never: the process ends, the bond and the stake come back. */
function decideLeaving(bounty: SeenBounty, state: OperatorState): OperatorAction[] {
  const { id, phase, bid } = bounty;
  const actions: OperatorAction[] = [];
  const isRunning = state.sequencer?.bounty === id;
  if (isRunning) actions.push({ type: "stopSequencer", bounty: id });
  const set = state.sets.get(id);
  if (set?.membership === "member" && !isRunning) actions.push({ type: "leaveSet", bounty: id });
  if (set?.membership === "leaving" && set.bondPayableAt !== undefined && state.nowSeconds >= set.bondPayableAt) actions.push({ type: "withdrawBond", bounty: id });
  const isMissed = bid?.status === "COMMITTED" && bid.round < bounty.round;
  if (isMissed || (phase === "CLOSED" && (bid?.status === "REVEALED" || bid?.status === "COMMITTED"))) actions.push({ type: "withdrawBid", bounty: id });
  return actions;
}

/** On the way to being hired. */
function decideBid(bounty: SeenBounty, rules: OperatorRules, state: OperatorState): OperatorAction[] {
  const { id, phase, round, stakeBase } = bounty;
  const bid = bounty.bid?.status === "REVEALED" || bounty.bid?.round === round ? bounty.bid : undefined;
  const pass = (reason: string): OperatorAction[] => [{ type: "pass", bounty: id, reason }];
  switch (phase) {
    case "COMMIT": {
      if (bid !== undefined && bid.status !== "WRITTEN") return [];
      const reason = whyNot(bounty, rules, state);
      if (reason !== undefined) return pass(reason);
      if (state.agentId === undefined) return [{ type: "register" }];
      // What is written down may have been sent: the same price and salt again, or the stake of a forgotten bid is lost.
      return [{ type: "commit", bounty: id, priceBase: bid?.priceBase ?? rules.priceBase, stakeBase }];
    }
    case "REVEAL":
      return bid?.status === "COMMITTED" ? [{ type: "reveal", bounty: id }] : [];
    case "AWARD": {
      if (bounty.onlyBidder !== state.me) return [];
      const reason = whyNot(bounty, rules, state);
      if (reason !== undefined) return pass(reason);
      return state.agentId === undefined ? [{ type: "register" }] : [{ type: "take", bounty: id, stakeBase }];
    }
    case "FALLBACK":
      return bounty.bestBidder === state.me ? [{ type: "awardBest", bounty: id }] : [];
    default:
      return [];
  }
}

/**
 * What an operator does next: pure. The shell reads the chain afresh for each call, so nothing here depends on what was
 * sent before, and an action that was sent and not yet seen does no harm when it is sent again.
 */
export function decideOperator(state: OperatorState, rules: OperatorRules): OperatorAction[] {
  const actions: OperatorAction[] = [];
  for (const bounty of state.bounties) {
    if (isHiredBy(bounty, state)) actions.push(...decideWork(bounty, rules, state));
    else actions.push(...decideLeaving(bounty, state), ...decideBid(bounty, rules, state));
  }
  if (state.creditBase > 0n) actions.push({ type: "withdrawCredit", amountBase: state.creditBase });
  return actions;
}
