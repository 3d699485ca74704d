import type { ContractRunner } from "ethers";

import { isBountyEngaged } from "../../../chain/uptime/isBountyEngaged.ts";
import type { connectUptimeMeter } from "../../../chain/uptime/connectUptimeMeter.ts";
import { committablePeriod, timesOf } from "../decide/decide.ts";
import type { Attestation, DueRequest, EngagementView } from "../decide/ProberState.ts";
import type { ProberStore } from "../store/ProberStore.ts";
import type { EngagementBook, KnownEngagement } from "./EngagementBook.ts";

export interface EngagementSources {
  readonly runner: ContractRunner;
  readonly meter: ReturnType<typeof connectUptimeMeter>;
  readonly address: string;
  readonly store: ProberStore;
  readonly book: EngagementBook;
  /** Where the endpoint of an engagement is. */
  readonly urlOf: (engagement: KnownEngagement) => string | undefined;
}

const MAX_VALUE_WORD = 10_001n;
const MAX_REQUESTS = 16;

export function attestationOf(word: string): Attestation {
  const value = BigInt(word);
  return value === 0n ? "none" : value <= MAX_VALUE_WORD ? "revealed" : "committed";
}

async function dueRequests(known: KnownEngagement, { book, meter }: EngagementSources): Promise<DueRequest[]> {
  const due: DueRequest[] = [];
  const periods = new Set<number>();
  for (const { period, salt } of book.requestsFor(known)) {
    if (due.length >= MAX_REQUESTS || periods.has(period)) continue;
    const { hasQuorum, isPublished } = await meter.periodOf(known.key, period);
    if (!hasQuorum || isPublished) continue;
    periods.add(period);
    due.push({ period, salt });
  }
  return due;
}

/** One engagement as the chain has it now; undefined when the chain does not know it (any more), or nothing is left to do for it. */
export async function readEngagement(known: KnownEngagement, now: number, sources: EngagementSources): Promise<EngagementView | undefined> {
  const { meter, address, store, runner, urlOf } = sources;
  const { key, panel } = known;
  const engagement = await meter.engagementOf(key);
  if (engagement.begunAt === 0n) return undefined;
  const times = { begunAt: Number(engagement.begunAt), periodSeconds: Number(engagement.periodSeconds), commitSeconds: Number(engagement.commitSeconds), revealSeconds: Number(engagement.revealSeconds) };
  const isOpen = !engagement.isReplaced && !engagement.hasFailed && (await isBountyEngaged(known.board, known.id, runner));
  const oldest = engagement.oldest === 0n ? undefined : Number(engagement.oldest) - 1;
  store.forget(key, (period) => now >= timesOf(times, period).revealUntil + times.revealSeconds);
  const requests = await dueRequests(known, sources);
  const [measures, secrets] = [store.measuresOf(key), store.secretsOf(key)];
  if (!isOpen && oldest === undefined && secrets.size === 0 && requests.length === 0) return undefined;
  const committable = committablePeriod(times, now);
  const attestations = new Map<number, Attestation>();
  for (const period of new Set([...secrets.keys(), ...(committable === undefined ? [] : [committable])])) {
    attestations.set(period, attestationOf(await meter.attestationOf(key, period, address)));
  }
  const rank = Math.max(0, panel.findIndex((each) => each.toLowerCase() === address.toLowerCase()));
  return { key, ...times, isOpen, rank, url: urlOf(known), measures, secrets, attestations, oldest, requests };
}
