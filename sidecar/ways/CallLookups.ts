import { SdkError } from "../../sdk/index.ts";
import type { Agnt2Client, Json, Reference } from "../../sdk/index.ts";
import { SidecarError } from "../SidecarError.ts";
import { WaitingRoom } from "./WaitingRoom.ts";

/** A call as the sequencer shows it. */
export interface SeenCall {
  readonly requester: number;
  readonly provider: number;
  readonly priceUnits: number;
  /** Unix seconds. */
  readonly deadline: number;
  readonly status: string;
  /** The answer pays it: no review, no workflow. */
  readonly isPaidOnResponse: boolean;
  /** 0x and 64 digits. */
  readonly inputHash: string;
}

const FIRST_PAUSE_MS = 40;
const MOST_OWNERS = 16_384;
/** As many as a replica looks at for one page. */
const RECEIPTS_AT_ONCE = 4_096;
const MOST_RECEIPT_PAGES = 64;

function wholeField(json: Json, name: string): number {
  const value = json[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new SdkError({ code: "SDK_RESPONSE", reaction: "stop", what: `${name} is missing or no number`, why: "", todo: "use a service of this version" });
  return value as number;
}

function readCall(json: Json): SeenCall {
  return {
    requester: wholeField(json, "requester"), provider: wholeField(json, "provider"), priceUnits: wholeField(json, "price"), deadline: wholeField(json, "deadline"),
    status: String(json["status"]), isPaidOnResponse: wholeField(json, "policy") === 0 && wholeField(json, "workflowId") === 0, inputHash: String(json["inputHash"]).toLowerCase(),
  };
}

/** Looks calls up at the sequencer: each at most once at a time, however many ask for it. */
export class CallLookups {
  readonly #client: Agnt2Client;
  readonly #lookupMs: number;
  readonly #room: WaitingRoom;
  readonly #asked = new Map<string, Promise<SeenCall | undefined>>();
  readonly #awaited = new Map<string, Promise<SeenCall | undefined>>();
  readonly #owners = new Map<number, string>();

  constructor(client: Agnt2Client, options: { readonly lookupMs: number; readonly most: number; readonly mostEach: number }) {
    [this.#client, this.#lookupMs, this.#room] = [client, options.lookupMs, new WaitingRoom(options.most, options.mostEach)];
  }

  /** Undefined when it has ended or never was. @throws SdkError */
  look({ slot, id }: Reference): Promise<SeenCall | undefined> {
    return once(this.#asked, `${slot}:${id}`, async () => {
      const json = await this.#client.invocation({ slot, id });
      return json === undefined ? undefined : readCall(json);
    });
  }

  /** As `look`; one that is not there yet is waited for, briefly. @throws SdkError; SidecarError `payment/no-call` when too many wait */
  async find(reference: Reference, from: string): Promise<SeenCall | undefined> {
    if (!this.#room.enter(from)) throw new SidecarError("payment/no-call", {});
    try {
      return (await this.look(reference)) ?? (await once(this.#awaited, `${reference.slot}:${reference.id}`, () => this.#await(reference)));
    } finally {
      this.#room.leave(from);
    }
  }

  async #await(reference: Reference): Promise<SeenCall | undefined> {
    const endMs = performance.now() + this.#lookupMs;
    for (let pauseMs = FIRST_PAUSE_MS; performance.now() + pauseMs < endMs; pauseMs *= 2) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const call = await this.look(reference);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  /** Owner's address of an account, lower case; it never changes. @throws SdkError */
  async ownerOf(index: number): Promise<string> {
    const known = this.#owners.get(index);
    if (known !== undefined) return known;
    const account = await this.#client.account(index);
    if (account === undefined) throw new SdkError({ code: "SDK_RESPONSE", reaction: "stop", what: `there is no account ${index} that made a call`, why: "", todo: "use a service of this version" });
    const owner = account.owner.toLowerCase();
    const [oldest] = this.#owners.keys();
    if (this.#owners.size >= MOST_OWNERS && oldest !== undefined) this.#owners.delete(oldest);
    this.#owners.set(index, owner);
    return owner;
  }

  /**
   * Whether a receipt says that this agent's answer was paid; looks at the newest receipts first. Undefined when nobody can tell: there is
   * no replica to ask. @throws SdkError
   */
  async isPaid({ slot, id }: Reference, provider: number): Promise<boolean | undefined> {
    if (!this.#client.hasApi) return undefined;
    const { api } = this.#client;
    let end = wholeField(await api.get("/v1/status"), "receiptCount");
    for (let page = 0; page < MOST_RECEIPT_PAGES && end > 0; page += 1) {
      const first = Math.max(0, end - RECEIPTS_AT_ONCE);
      for (let from: number | undefined = first; from !== undefined && from < end; ) {
        const json: Json = await api.get(`/v1/receipts?from=${from}&limit=500&agent=${provider}`);
        const found = (json["items"] as readonly Json[]).find((receipt) => receipt["op"] === "RESPOND" && receipt["slot"] === slot && receipt["id"] === id);
        if (found !== undefined) return found["settlement"] === "PAID";
        from = json["next"] === undefined ? undefined : wholeField(json, "next");
      }
      end = first;
    }
    return false;
  }
}

/** What is asked for already is not asked for again. */
function once<T>(under: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = under.get(key);
  if (known !== undefined) return known;
  const asked = ask().finally(() => under.delete(key));
  under.set(key, asked);
  return asked;
}
