/** Where a bounty stands (docs/BOUNTIES.md, section 6). `lapsed`: a time ran out with nobody hired. */
export const BOUNTY_PHASES = ["none", "funding", "commit", "reveal", "award", "fallback", "engaged", "lapsed", "closed"] as const;
export type BountyPhase = (typeof BOUNTY_PHASES)[number];
