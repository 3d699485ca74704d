import type { JsonRpcApiProvider } from "ethers";

import { connectAdjudicator } from "../../../chain/channels/connectAdjudicator.ts";
import { blockSourceOf } from "../../../chain/HeadWatcher.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { readLogs } from "../../../chain/readLogs.ts";
import type { NeededGrant } from "../../../chain/tower/checkTowerState.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { TowerError } from "../TowerError.ts";
import type { ChannelMark } from "../decide/Dispute.ts";

/** An endpoint and the head that it shows. */
export interface SeenHead {
  readonly provider: JsonRpcApiProvider;
  readonly block: BlockRef;
}

/**
 * The adjudicator on L1, read through several endpoints: each look asks all of them for their head and reads from the one that is
 * furthest, so that neither a dead endpoint nor one that stands still hides a close.
 */
export class L1Channels {
  readonly #endpoints: readonly JsonRpcApiProvider[];
  readonly #address: string;
  readonly #challenged: string;
  #answering = 0;

  constructor(endpoints: readonly JsonRpcApiProvider[], address: string) {
    [this.#endpoints, this.#address] = [endpoints, address];
    this.#challenged = connectAdjudicator(address, endpoints[0]!).interface.getEvent("Challenged").topicHash;
  }

  /** Endpoints that answered the last look. */
  get answering(): number {
    return this.#answering;
  }

  get endpointCount(): number {
    return this.#endpoints.length;
  }

  /** @throws TowerError `tower/l1-down` when none answers */
  async head(): Promise<SeenHead> {
    const looks = await Promise.allSettled(this.#endpoints.map(async (provider) => ({ provider, block: await blockSourceOf(provider).latest() })));
    const seen = looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
    this.#answering = seen.length;
    const best = seen.reduce<SeenHead | undefined>((far, next) => (far === undefined || next.block.number > far.block.number ? next : far), undefined);
    if (best === undefined) throw new TowerError("tower/l1-down", { endpoints: this.#endpoints.length }, { reaction: "retry" });
    return best;
  }

  /** Channels whose close was asked for in these blocks, each once. */
  async challengedIn(provider: JsonRpcApiProvider, fromBlock: number, toBlock: number): Promise<string[]> {
    const logs = await readLogs(provider, { address: this.#address, topics: [this.#challenged], fromBlock, toBlock });
    return [...new Set(logs.map(({ topics }) => topics[1] ?? ""))];
  }

  async markOf(provider: JsonRpcApiProvider, channelId: string, blockNumber: number): Promise<ChannelMark> {
    const contract = connectAdjudicator(this.#address, provider);
    const at = { blockTag: blockNumber };
    const [state, recorded] = await Promise.all([contract.channelOf(channelId, at), contract.recordedOf(channelId, at)]);
    return {
      status: Number(state.status),
      isExtended: state.isExtended,
      isUnilateral: state.isUnilateral,
      deadline: Number(state.deadline),
      version: Number(state.version),
      net: [Number(state.netA), Number(state.netB)],
      sequence: [Number(recorded.sequenceA), Number(recorded.sequenceB)],
      paid: [Number(recorded.paidByA), Number(recorded.paidByB)],
      highestPaid: [Number(recorded.highestPaidByA), Number(recorded.highestPaidByB)],
      locksHash: [recorded.locksHashA, recorded.locksHashB],
    };
  }

  async isGrantRegistered(provider: JsonRpcApiProvider, channelId: Uint8Array, { party, key, cap, expiry }: NeededGrant): Promise<boolean> {
    return await connectAdjudicator(this.#address, provider).isGrantRegistered(toHex(channelId), toHex(party), toHex(key), cap, expiry);
  }
}
