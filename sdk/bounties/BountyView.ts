/** What a bounty looks for. */
export const BOUNTY_ROLES = ["sequencer", "rpc", "bridge", "validator", "other"] as const;
export type BountyRole = (typeof BOUNTY_ROLES)[number];

/** How its reward is earned. */
export const REWARD_KINDS = ["lump", "milestones", "verified", "metered"] as const;
export type RewardKind = (typeof REWARD_KINDS)[number];

/** Where it stands (docs/BOUNTIES.md, section 6). `lapsed`: a time ran out with nobody hired. */
export const BOUNTY_PHASES = ["none", "funding", "commit", "reveal", "award", "fallback", "engaged", "lapsed", "closed"] as const;
export type BountyPhase = (typeof BOUNTY_PHASES)[number];
