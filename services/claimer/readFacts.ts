import type { RootContracts } from "../../chain/connectContracts.ts";
import type { FailoverProvider } from "../../chain/FailoverProvider.ts";
import { toHex } from "../../core/codec/hex.ts";
import type { Replica } from "../../derivation/Replica.ts";
import type { ClaimerFacts, ClaimFacts, EpochFacts } from "./decideClaims.ts";

export interface FactSources {
  readonly replica: Replica;
  readonly contracts: RootContracts;
  readonly provider: FailoverProvider;
  readonly epochAgeSeconds: number;
  /** Our L1 address. */
  readonly self: string;
}

const NEVER = 0;
const BONDS_LOOKED_AT = 8;

/** What L1 says of a claim now; asked there and not of events, so that nothing missed can mislead. */
async function readClaim({ contracts }: FactSources, parentClaim: string, claimId: string): Promise<ClaimFacts | undefined> {
  const claim = await contracts.settlement.claims(claimId);
  if (Number(claim.claimedAt) === NEVER) return undefined;
  const { closesAt } = await contracts.settlement.rounds(parentClaim);
  return { closesAt: Number(closesAt), isConfirmed: Number(claim.confirmedAt) !== NEVER, isBacked: Number(claim.backers) > 0 };
}

/** Bonds of ours in confirmed claims, which nobody needs any more. */
async function readDecidedBonds({ replica, contracts, self }: FactSources): Promise<string[]> {
  const isOurs = (backers: readonly string[]): boolean => backers.some((backer) => backer.toLowerCase() === self.toLowerCase());
  const confirmed = [...replica.view.claims.values()].filter(({ confirmedAt, backers }) => confirmedAt !== undefined && isOurs(backers)).slice(-BONDS_LOOKED_AT);
  const bonds = await Promise.all(confirmed.map(({ claimId }) => contracts.settlement.bondOf(claimId, self)));
  return confirmed.filter((_, index) => bonds[index]! > 0n).map(({ claimId }) => claimId);
}

/** Everything the decision needs, read anew. */
export async function readFacts(sources: FactSources): Promise<ClaimerFacts> {
  const { replica, contracts, provider, epochAgeSeconds } = sources;
  const { settlement } = contracts;
  const latest = await provider.getBlock("latest");
  const [confirmedClaim, nextEpoch] = await settlement.latestConfirmed();

  const epochs: EpochFacts[] = [];
  let parentClaim = confirmedClaim;
  for (const { epoch, batchEnd } of replica.view.epochs.slice(Number(nextEpoch))) {
    const root = replica.rootAt(batchEnd);
    if (root === undefined) break;
    const stateRoot = toHex(root);
    const claimId = await settlement.claimIdOf(parentClaim, epoch, stateRoot);
    const claim = await readClaim(sources, parentClaim, claimId);
    epochs.push({ epoch, parentClaim, claimId, stateRoot, claim });
    if (claim === undefined) break;
    parentClaim = claimId;
  }
  const openFrom = replica.view.epochs.at(-1)?.batchEnd ?? 0;
  return {
    // A local L1 makes no blocks while nothing happens: the next one will carry the time of the clock.
    now: Math.max(latest?.timestamp ?? 0, Math.floor(Date.now() / 1000)),
    openSince: replica.view.batches[openFrom]?.at.timestamp,
    epochAgeSeconds,
    openEpoch: replica.view.epochs.length,
    epochs,
    decidedBonds: await readDecidedBonds(sources),
  };
}
