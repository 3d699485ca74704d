import type { BountyRole, RewardKind } from "../../../chain/bounties/BountyTerms.ts";
import type { BountyPhase } from "../../../chain/bounties/phaseOf.ts";

/** What an operator wants, in base units and seconds. */
export interface OperatorRules {
  /** Token it works for; the zero address is ETH. */
  readonly token: string;
  /** Meters whose code it knows, lower case. */
  readonly meters: readonly string[];
  /** What it asks for a unit. */
  readonly priceBase: bigint;
  /** Of its stake, at most. */
  readonly maxStakeBase: bigint;
  /** Units that the pool must be able to pay, at its price. */
  readonly minUnits: bigint;
  /** Of the bond in the set, at most. */
  readonly maxOperatorBondWei: bigint;
  /** A meter that calls it silent sooner is none it can work under. */
  readonly minSilenceSeconds: number;
  /** Time of its own to come up, at least. */
  readonly minGraceSeconds: number;
  readonly minWorkSeconds: number;
  /** Paid calls that the poster must have proven; 0 asks for none. */
  readonly minPosterCalls: number;
  /** Bounties at once. */
  readonly maxEngagements: number;
  /** Units that are worth a claim, and how long fewer wait. */
  readonly claimUnits: bigint;
  readonly claimSeconds: number;
  /** ETH that stays for gas and the bonds of its claims. */
  readonly reserveWei: bigint;
}

/** Where its own bid stands. A committed one is known by its file too, from before it was sent. */
export interface OwnBid {
  readonly round: number;
  readonly priceBase: bigint;
  readonly status: "WRITTEN" | "COMMITTED" | "REVEALED" | "AWARDED";
}

/** A bounty as the chain has it, with what the operator knows of it. */
export interface SeenBounty {
  readonly id: number;
  readonly role: BountyRole;
  readonly kind: RewardKind;
  readonly token: string;
  readonly phase: BountyPhase;
  /** unix seconds; undefined while no time is set */
  readonly phaseEndsAt: number | undefined;
  readonly round: number;
  readonly poolBase: bigint;
  /** Price of a unit, at most. */
  readonly ceilingBase: bigint;
  readonly stakeBase: bigint;
  /** Who alone may take it. */
  readonly onlyBidder: string | undefined;
  readonly meter: string;
  readonly workSeconds: number;
  readonly minProvenCalls: number;
  /** What its specification says of the chain, compared with L1. */
  readonly chain: ChainCheck;
  /** Proven calls of the poster's agent; undefined if it has no agent. */
  readonly posterCalls: number | undefined;
  /** Who is at work. */
  readonly engaged: { readonly bidder: string; readonly priceBase: bigint; /** When the work and what confirms it are over. */ readonly finishAt: number; readonly unpaidUnits: bigint; readonly hasFailed: boolean } | undefined;
  /** The lowest bid that stands. */
  readonly bestBidder: string | undefined;
  readonly bid: OwnBid | undefined;
}

/** Whether the chain of a bounty is what it says, and what it asks of an operator. */
export type ChainCheck =
  | { readonly isKnown: false; readonly reason: string }
  | { readonly isKnown: true; readonly operatorBondWei: bigint; readonly silenceSeconds: number; readonly graceSeconds: number };

/** The operator's place in the set of the chain that it is hired for. */
export type SetMembership = "none" | "member" | "leaving" | "slashed";

/** Everything that a decision rests on, read afresh for each. */
export interface OperatorState {
  /** unix seconds of L1 */
  readonly nowSeconds: number;
  /** Its own address, lower case. */
  readonly me: string;
  /** Its agent's id in the IdentityRegistry. */
  readonly agentId: bigint | undefined;
  /** What the agent has proven. */
  readonly provenCalls: number;
  readonly balanceWei: bigint;
  /** In the token of the rules. */
  readonly balanceBase: bigint;
  /** What the board owes it. */
  readonly creditBase: bigint;
  readonly bounties: readonly SeenBounty[];
  /** By bounty, for those that it is or was hired for. */
  readonly sets: ReadonlyMap<number, { readonly membership: SetMembership; readonly bondPayableAt: number | undefined; readonly bondWei: bigint }>;
  /** Bounty that its sequencer process works for, and whether that is up. */
  readonly sequencer: { readonly bounty: number; readonly isUp: boolean } | undefined;
  /** By bounty: when it was last paid. */
  readonly claimedAt: ReadonlyMap<number, number>;
}

export type OperatorAction =
  | { readonly type: "register" }
  /** Nothing is done about this bounty, for that reason. */
  | { readonly type: "pass"; readonly bounty: number; readonly reason: string }
  | { readonly type: "commit"; readonly bounty: number; readonly priceBase: bigint; readonly stakeBase: bigint }
  | { readonly type: "reveal"; readonly bounty: number }
  | { readonly type: "awardBest"; readonly bounty: number }
  | { readonly type: "take"; readonly bounty: number; readonly stakeBase: bigint }
  | { readonly type: "join"; readonly bounty: number; readonly bondWei: bigint }
  | { readonly type: "startSequencer"; readonly bounty: number }
  | { readonly type: "stopSequencer"; readonly bounty: number }
  | { readonly type: "claimUnits"; readonly bounty: number; readonly units: bigint }
  | { readonly type: "finish"; readonly bounty: number }
  | { readonly type: "leaveSet"; readonly bounty: number }
  | { readonly type: "withdrawBond"; readonly bounty: number }
  | { readonly type: "withdrawBid"; readonly bounty: number }
  | { readonly type: "withdrawCredit"; readonly amountBase: bigint };
