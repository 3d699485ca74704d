import type { ChannelMark } from "../decide/Dispute.ts";
import { CHANNEL_STATUS } from "../decide/Dispute.ts";
import { TowerError } from "../TowerError.ts";
import type { CoreRef } from "./coreRecords.ts";

/** A channel as the replica's state has it. */
export interface CoreChannel extends CoreRef {
  readonly channelId: string;
  readonly mark: ChannelMark;
}

interface Shown {
  readonly slot: number;
  readonly id: number;
  readonly channelId: string;
  readonly status: string;
  readonly deadline: number | null;
  readonly isExtended: boolean;
  readonly version: number;
  readonly a: { readonly deposit: { readonly units: number }; readonly paid: { readonly units: number } };
  readonly b: { readonly deposit: { readonly units: number }; readonly paid: { readonly units: number } };
}

const NO_LOCKS = `0x${"00".repeat(32)}`;
const PAGE = 500;
const TIMEOUT_MS = 10_000;

function markOf({ status, deadline, isExtended, version, a, b }: Shown): ChannelMark {
  const paid: [number, number] = [a.paid.units, b.paid.units];
  return {
    status: status === "CLOSING" ? CHANNEL_STATUS.CLOSING : CHANNEL_STATUS.OPEN,
    isExtended,
    isUnilateral: false,
    deadline: deadline ?? 0,
    version,
    net: [a.deposit.units, b.deposit.units],
    // There are no locks in Layer Core, so nothing is endorsed.
    sequence: [0, 0],
    paid,
    highestPaid: paid,
    locksHash: [NO_LOCKS, NO_LOCKS],
  };
}

/** Channels at home in Layer Core, read from a replica that verifies all it has from L1 (the API service). */
export class CoreChannels {
  readonly #url: string;
  #seen = new Map<string, CoreChannel>();
  #l2Time = 0;

  constructor(apiUrl: string) {
    this.#url = apiUrl.replace(/\/+$/, "");
  }

  /** L2 time of the last look. */
  get l2Time(): number {
    return this.#l2Time;
  }

  /** As of the last look. */
  find(channelId: string): CoreChannel | undefined {
    return this.#seen.get(channelId);
  }

  /** Reads all of them. @throws TowerError `tower/core-down` */
  async look(): Promise<void> {
    const status = (await this.#get("/v1/status")) as { l2Time: number };
    const seen = new Map<string, CoreChannel>();
    for (let from: number | undefined = 0; from !== undefined; ) {
      const page = (await this.#get(`/v1/channels?from=${from}&limit=${PAGE}`)) as { items: Shown[]; next?: number };
      for (const shown of page.items) seen.set(shown.channelId, { slot: shown.slot, id: shown.id, channelId: shown.channelId, mark: markOf(shown) });
      from = page.next;
    }
    [this.#seen, this.#l2Time] = [seen, status.l2Time];
  }

  /** The account of an address: its index and next nonce; undefined when it has none. @throws TowerError `tower/core-down` */
  async account(address: string): Promise<{ readonly index: number; readonly nonce: number } | undefined> {
    const found = (await this.#get(`/v1/agents/${address}`, true)) as { index: number; nonce: number } | undefined;
    return found === undefined ? undefined : { index: Number(found.index), nonce: Number(found.nonce) };
  }

  async #get(path: string, isOptional = false): Promise<unknown> {
    try {
      const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (isOptional && response.status === 404) return undefined;
      if (!response.ok) throw new Error(`status ${response.status}`);
      return await response.json();
    } catch (error) {
      throw new TowerError("tower/core-down", { path }, { cause: error });
    }
  }
}
