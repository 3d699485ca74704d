import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { toHex } from "../../core/codec/hex.ts";
import { AgentChannel } from "../../sdk/node/channels/AgentChannel.ts";
import { CallRecords } from "../../sdk/node/channels/CallRecords.ts";
import type { Channel, OpenOptions } from "../../sdk/node/channels/index.ts";
import { createEnd, openFunded, pairConfig } from "./channelPair.ts";
import type { PairEnd } from "./channelPair.ts";
import { until } from "./until.ts";

/** Base units in one unit of these channels. */
export const PAIR_SCALE = 1_000_000_000n;
const ETH = { decimals: 18, symbol: "ETH", assetScale: PAIR_SCALE };
const NO_L1 = { name: "L1", assetAddress: () => `0x${"00".repeat(20)}` };

/** One agent of two, with channels whose deposits a test has made up: no L1. */
export interface ChannelSeat {
  readonly end: PairEnd;
  open(salt: number, options?: OpenOptions): Promise<AgentChannel>;
  stop(): Promise<void>;
}

async function openSeat(dir: string, number: 0 | 1): Promise<ChannelSeat> {
  const end = createEnd(dir, number);
  const records: CallRecords[] = [];
  return {
    end,
    async open(salt, options = {}) {
      const channel: Channel = openFunded(end.peer, options, pairConfig(salt));
      const kept = await CallRecords.open(join(dir, `end-${number}`), channel.idText, (error) => channel.fail(error));
      records.push(kept);
      const refresh = (): Promise<never> => Promise.reject(new Error("there is no L1"));
      return new AgentChannel({ channel, home: NO_L1 as never, book: undefined as never, records: kept, asset: ETH, refresh, covers: () => [] });
    },
    async stop() {
      await end.stop();
      for (const each of records) await each.close();
    },
  };
}

/** A buyer and a seller in this process, over TLS, each with a store; either can be stopped and started again on what it had. */
export class PaidChannels {
  readonly #dir = mkdtempSync(join(tmpdir(), "agnt2-paid-"));
  #address = "";
  buyer!: ChannelSeat;
  seller!: ChannelSeat;

  static async start(): Promise<PaidChannels> {
    const pair = new PaidChannels();
    await pair.startSeller();
    await pair.startBuyer();
    return pair;
  }

  async startSeller(): Promise<void> {
    this.seller = await openSeat(this.#dir, 1);
    this.#address = await this.seller.end.peer.listen(this.#address === "" ? "tls://127.0.0.1:0" : this.#address);
  }

  async startBuyer(): Promise<void> {
    this.buyer = await openSeat(this.#dir, 0);
  }

  get address(): string {
    return this.#address;
  }

  /** Both ends of a channel; `serve` gets the seller's before anything comes. */
  async open(salt: number, serve: (channel: AgentChannel) => void, options: OpenOptions = {}): Promise<{ readonly buyers: AgentChannel; readonly sellers: AgentChannel }> {
    const sellers = await this.seller.open(salt);
    serve(sellers);
    const buyers = await this.buyer.open(salt, { address: this.#address, ...options });
    await until("calls flow", () => buyers.channel.isConnected && buyers.channel.status().phase === "open");
    return { buyers, sellers };
  }

  async stop(): Promise<void> {
    await this.buyer.stop();
    await this.seller.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Addresses of the parties: the buyer, the seller. */
export const PAIR_ADDRESSES = [toHex(pairConfig().partyA), toHex(pairConfig().partyB)] as const;
