import type { Agnt2Client, Json } from "../../../sdk/index.ts";
import type { Fate } from "./BuyerWay.ts";

const PAGE = 500;
/** Receipts in front of the end that are looked through for a call whose place is not known. */
const FAR_BACK = 200_000;
const MOST_PAGES = 512;

async function search(client: Agnt2Client, from: number, agent: number | undefined, isIt: (receipt: Json) => boolean): Promise<Json | undefined> {
  let next: number | undefined = from;
  for (let page = 0; page < MOST_PAGES && next !== undefined; page += 1) {
    const json: Json = await client.api.get(`/v1/receipts?from=${next}&limit=${PAGE}${agent === undefined ? "" : `&agent=${agent}`}`);
    const found = (json["items"] as readonly Json[]).find(isIt);
    if (found !== undefined) return found;
    next = typeof json["next"] === "number" ? json["next"] : undefined;
  }
  return undefined;
}

/** What a replica's receipts say about the end of a call; undefined: nothing yet, or there is no replica to ask. @param from receipt of its INVOKE */
export async function findCallEnd(client: Agnt2Client, { slot, id, provider, from }: { readonly slot: number; readonly id: number; readonly provider: number; readonly from: number }): Promise<Fate | undefined> {
  if (!client.hasApi) return undefined;
  const isEnd = (receipt: Json): boolean =>
    receipt["slot"] === slot && receipt["id"] === id && receipt["outcome"] === "OK" && (receipt["settlement"] === "PAID" || receipt["settlement"] === "REFUNDED");
  // Its provider ends it in nearly every case; a TIMEOUT may be anybody's.
  const end = (await search(client, from, provider, isEnd)) ?? (await search(client, from, undefined, isEnd));
  return end === undefined ? undefined : end["settlement"] === "PAID" ? "paid" : "dead";
}

/** The call of an agent by what it was made with. */
export async function findCall(client: Agnt2Client, requester: number, callHash: string): Promise<{ readonly slot: number; readonly id: number; readonly receipt: number } | undefined> {
  if (!client.hasApi) return undefined;
  const count = Number((await client.api.get("/v1/status"))["receiptCount"] ?? 0);
  const found = await search(client, Math.max(0, count - FAR_BACK), requester, (receipt) => receipt["op"] === "INVOKE" && receipt["outcome"] === "OK" && String(receipt["inputHash"]).toLowerCase() === callHash);
  return found === undefined ? undefined : { slot: Number(found["slot"]), id: Number(found["id"]), receipt: Number(found["number"]) };
}
