import type { KnownEngagement } from "./EngagementBook.ts";

export interface Acceptance {
  /** This validator, in lower case. */
  readonly address: string;
  /** Boards whose bounties are attested, in lower case. Anybody can be a board. */
  readonly boards: ReadonlySet<string>;
  /** Bounties that a person has looked at: attested whoever else is on the panel. */
  readonly bounties: readonly bigint[];
  /** Validators that are trusted to measure, in lower case. */
  readonly peers: ReadonlySet<string>;
  readonly joinsOpenPanels: boolean;
  /** Shorter periods cost more gas than anybody should be able to make us spend. */
  readonly minPeriodSeconds: number;
}

/**
 * Whether to attest for a bounty. Anybody can name us, and a majority of strangers on the panel could outvote the truth and have our
 * stake burned: so most of a panel must be trusted, unless the bounty itself is named in the settings.
 */
export function isAcceptable({ board, id, panel, periodSeconds }: KnownEngagement, { address, boards, bounties, peers, joinsOpenPanels, minPeriodSeconds }: Acceptance): boolean {
  if (!boards.has(board.toLowerCase()) || periodSeconds < minPeriodSeconds) return false;
  const members = panel.map((each) => each.toLowerCase());
  if (members.length === 0 ? !joinsOpenPanels : !members.includes(address)) return false;
  if (bounties.length > 0) return bounties.includes(id);
  const trusted = members.filter((each) => each === address || peers.has(each)).length;
  return members.length === 0 || trusted * 2 > members.length;
}
