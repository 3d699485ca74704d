/** A claim as L1 has it. */
export interface ClaimFacts {
  /** unix seconds */
  readonly closesAt: number;
  readonly isConfirmed: boolean;
  /** Whether it has a live backer. */
  readonly isBacked: boolean;
}

/** A closed epoch with the claim that our own derivation of the state would make about it. */
export interface EpochFacts {
  readonly epoch: number;
  /** Claim of the epoch before, or the genesis claim. */
  readonly parentClaim: string;
  readonly claimId: string;
  readonly stateRoot: string;
  /** Undefined when nobody has claimed that. */
  readonly claim: ClaimFacts | undefined;
}

/** All that the decision depends on. */
export interface ClaimerFacts {
  /** The L1's clock, unix seconds. */
  readonly now: number;
  /** L1 time of the first batch of the epoch that is open; undefined when it has none. */
  readonly openSince: number | undefined;
  readonly epochAgeSeconds: number;
  /** The number of the epoch that is open. */
  readonly openEpoch: number;
  /** Closed epochs from the last confirmed one on, in order, as far as their state is derived. */
  readonly epochs: readonly EpochFacts[];
  /** Claims of decided epochs that hold a bond of ours. */
  readonly decidedBonds: readonly string[];
}

export type ClaimerAction =
  | { readonly kind: "closeEpoch"; readonly epoch: number }
  | { readonly kind: "claim"; readonly epoch: EpochFacts }
  | { readonly kind: "back"; readonly claimId: string }
  | { readonly kind: "confirm"; readonly claimId: string }
  | { readonly kind: "withdrawBond"; readonly claimId: string };

/** Claims on top of unconfirmed ones: more would lock up bonds without making anything faster. */
const MAX_AHEAD = 8;

/**
 * What to do now, given what L1 says: close an epoch that is old enough, claim what our own derivation gives for each closed one,
 * back such a claim that has lost its backers, confirm when its time has come, and fetch bonds that are free again. In the order in which to do it.
 */
export function decideClaims(facts: ClaimerFacts): ClaimerAction[] {
  // Bonds first: the next claim may need the money.
  const actions: ClaimerAction[] = facts.decidedBonds.map((claimId) => ({ kind: "withdrawBond", claimId }));
  if (facts.openSince !== undefined && facts.now >= facts.openSince + facts.epochAgeSeconds) actions.push({ kind: "closeEpoch", epoch: facts.openEpoch });
  let isParentConfirmed = true;
  let unconfirmed = 0;
  for (const epoch of facts.epochs) {
    if (epoch.claim?.isConfirmed === true) continue;
    unconfirmed += 1;
    if (unconfirmed > MAX_AHEAD) break;
    if (epoch.claim === undefined) {
      actions.push({ kind: "claim", epoch });
      // The next one needs this one to exist.
      break;
    }
    if (!epoch.claim.isBacked) actions.push({ kind: "back", claimId: epoch.claimId });
    else if (isParentConfirmed && facts.now >= epoch.claim.closesAt) actions.push({ kind: "confirm", claimId: epoch.claimId });
    isParentConfirmed = false;
  }
  return actions;
}
