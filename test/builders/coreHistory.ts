import { asJson, numberField, parseAccount, textField, unitsField } from "../../sdk/state.ts";
import type { LocalNetworkForTests } from "./localNetwork.ts";
import { until } from "./until.ts";

/** A call of Layer Core as the replica's receipts have it. Amounts in units. */
export interface CoreCall {
  readonly requester: number;
  readonly provider: number;
  readonly units: number;
  end: "OPEN" | "PAID" | "REFUNDED";
}

/** What the chain has done since a point: its calls by payment key (docs/SIDECAR.md section 3), and the records of each account. */
export interface CoreHistory {
  readonly calls: ReadonlyMap<string, CoreCall>;
  /** By account: how many it signed, each of which cost a fee. */
  readonly records: ReadonlyMap<number, number>;
}

async function read(url: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return asJson(await answer.json());
}

/** Waits until the replica has all that the sequencer has of these accounts. @returns how many receipts there are then */
export async function replicaCaughtUp({ sequencerUrl, apiUrl }: LocalNetworkForTests, owners: readonly string[], waitMs?: number): Promise<number> {
  // An account that the replica has not heard of yet is one that it does not have.
  const accountsAt = async (url: string): Promise<string> => JSON.stringify(await Promise.all(owners.map(async (owner) => read(`${url}/v1/agents/${owner.toLowerCase()}`).then(parseAccount, () => url))));
  await until("the replica has what the sequencer has", async () => (await accountsAt(apiUrl)) === (await accountsAt(sequencerUrl)), waitMs);
  return numberField(await read(`${apiUrl}/v1/status`), "receiptCount");
}

/** @param from number of the first receipt */
export async function readCoreHistory({ apiUrl }: LocalNetworkForTests, from: number): Promise<CoreHistory> {
  const calls = new Map<string, CoreCall>();
  const records = new Map<number, number>();
  for (let next: number | undefined = from; next !== undefined; ) {
    const page = await read(`${apiUrl}/v1/receipts?from=${next}&limit=500`);
    for (const receipt of (page["items"] as readonly unknown[]).map(asJson)) {
      const agent = numberField(receipt, "agent");
      records.set(agent, (records.get(agent) ?? 0) + 1);
      const key = `call:${numberField(receipt, "id")}`;
      const settlement = textField(receipt, "settlement");
      if (textField(receipt, "outcome") !== "OK") continue;
      if (receipt["op"] === "INVOKE") calls.set(key, { requester: numberField(receipt, "requester"), provider: numberField(receipt, "provider"), units: unitsField(receipt, "amount"), end: "OPEN" });
      else if (settlement === "PAID" || settlement === "REFUNDED") {
        const call = calls.get(key);
        if (call === undefined || call.end !== "OPEN") throw new Error(`${key} was ended twice, or before it was made`);
        call.end = settlement;
      }
    }
    next = typeof page["next"] === "number" ? page["next"] : undefined;
  }
  return { calls, records };
}
