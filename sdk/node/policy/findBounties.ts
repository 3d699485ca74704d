import type { BountyDesk } from "../../bounties/BountyDesk.ts";
import type { HttpService } from "../../HttpService.ts";
import { ignoreAbsence } from "../../absence.ts";
import { asJson, listField, numberField } from "../../state.ts";

const PAGE = 100;
/** An API that goes on for longer than this is not believed. */
const MOST_PAGES = 20;

/**
 * Bounties that look for a sequencer and are not closed: by a replica's index; by L1's logs when it is away. Only their numbers are
 * taken over, what they say is read from L1.
 */
export async function findSequencerBounties(api: HttpService | undefined, desk: BountyDesk): Promise<number[]> {
  const indexed = api === undefined ? undefined : await ignoreAbsence(askIndex(api));
  return indexed ?? (await desk.posted()).map(({ id }) => id);
}

async function askIndex(api: HttpService): Promise<number[]> {
  const ids: number[] = [];
  let cursor: unknown;
  for (let page = 0; page === 0 || (cursor !== undefined && page < MOST_PAGES); page += 1) {
    const answer = await api.get(`/v1/economy/bounties?role=SEQUENCER&limit=${PAGE}${cursor === undefined ? "" : `&cursor=${encodeURIComponent(String(cursor))}`}`);
    ids.push(...listField(answer, "items").map((item) => numberField(asJson(item), "id")));
    cursor = answer["next"];
  }
  return ids;
}
