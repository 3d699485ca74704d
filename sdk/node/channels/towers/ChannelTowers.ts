import type { Provider } from "ethers";

import { rankOf } from "../../../../chain/tower/TowerState.ts";
import type { StateRank, TowerDomain, TowerState } from "../../../../chain/tower/TowerState.ts";
import { fromHex } from "../../../../core/codec/hex.ts";
import { sdkError } from "../../../SdkError.ts";
import { TowerClient } from "../../../TowerClient.ts";
import { HttpService } from "../../../HttpService.ts";
import { signedUpdateOf } from "../../../channels/signedUpdateOf.ts";
import type { Channel } from "../Channel.ts";
import type { ChannelSigner } from "../signing/ChannelSigner.ts";
import type { ReceiptFile } from "./ReceiptFile.ts";
import { TowerHandover } from "./TowerHandover.ts";
import type { TowerCover } from "./TowerHandover.ts";

/** Which towers an agent's channels are handed to. */
export interface TowersOptions {
  readonly urls: readonly string[];
  /** The chain's `TowerBond`: a tower that is bonded elsewhere is not believed. */
  readonly towerBond: string;
  /** Less than this is no bond worth the name. Default: one wei. */
  readonly minBondWei?: bigint;
  /** Least time between two states of a channel that are handed to one tower. Default 1 s. */
  readonly everyMs?: number;
}

export interface ChannelTowersParts extends TowersOptions {
  readonly receipts: ReceiptFile;
  readonly channel: Channel;
  readonly signer: ChannelSigner;
  readonly provider: Provider;
  readonly chainId: number;
  readonly adjudicator: string;
  readonly onAlarm: (url: string, error: Error) => void;
}

const DEFAULT_EVERY_MS = 1_000;
/** A tower that hangs delays the agent's stop by so long at most twice. */
const REQUEST_MS = 5_000;

/** What a tower can be given of a channel; undefined while there is nothing, or the own signature is still missing. */
function stateOf(channel: Channel, endorsement?: Uint8Array): TowerState | undefined {
  const evidence = channel.evidence();
  const { base, vouchers = [] } = signedUpdateOf(evidence, channel.config, endorsement);
  const voucher = vouchers.find(({ sequence }) => sequence > 0);
  if (base === undefined && voucher === undefined) return undefined;
  if (base?.signatures.some(({ signature }) => signature.length === 0) === true) return undefined;
  return { config: channel.config, side: channel.self, ...(base === undefined ? {} : { base }), ...(voucher === undefined ? {} : { voucher }) };
}

/** The towers of one channel: each has the newest state by itself, soon after it is on disk. */
export class ChannelTowers {
  readonly #handovers: readonly TowerHandover[];
  readonly #leave: () => void;

  constructor(parts: ChannelTowersParts) {
    const { channel, receipts, urls, everyMs = DEFAULT_EVERY_MS } = parts;
    this.#handovers = [...new Set(urls)].map((url) => {
      let client: Promise<TowerClient> | undefined;
      return new TowerHandover({
        url, receipts, everyMs,
        current: (last) => newestOf(parts, last),
        currentRank: (): StateRank | undefined => {
          const state = stateOf(channel);
          return state === undefined ? undefined : rankOf(state);
        },
        submit: async (state) => {
          client ??= clientOf(url, parts).catch((error: unknown) => {
            client = undefined;
            throw error;
          });
          return (await client).submit(state);
        },
        onAlarm: (error) => parts.onAlarm(url, error),
      });
    });
    this.#leave = channel.on("durable", () => this.#touch());
    this.#touch();
  }

  #touch(): void {
    for (const handover of this.#handovers) handover.touch();
  }

  /** @param l1Seconds time of L1, by which promises end */
  look(l1Seconds: number): void {
    for (const handover of this.#handovers) handover.look(l1Seconds);
  }

  covers(): readonly TowerCover[] {
    return this.#handovers.map((handover) => handover.cover());
  }

  /** @param isLast hand over the newest state before, if a tower does not have it */
  async stop(isLast: boolean): Promise<void> {
    this.#leave();
    await Promise.all(this.#handovers.map((handover) => handover.stop(isLast)));
  }
}

/** Endorsed where locks ask for it, and under a version for which the tower has had an endorsement: it takes no other one then. */
async function newestOf({ channel, signer }: ChannelTowersParts, last: TowerState | undefined): Promise<TowerState | undefined> {
  const state = stateOf(channel);
  const { voucher, needsEndorsement } = channel.evidence();
  if (state?.voucher === undefined || voucher === undefined) return state;
  const wasEndorsed = last?.voucher?.endorsement !== undefined && last.voucher.version === state.voucher.version;
  if (!needsEndorsement && !wasEndorsed) return state;
  return { ...state, voucher: { ...state.voucher, endorsement: { signature: await signer.sign(voucher.digest) } } };
}

/** A tower says who it is; what stands behind that, and that it signs its receipts, is checked on L1 with each of them. */
async function clientOf(url: string, parts: ChannelTowersParts): Promise<TowerClient> {
  const { chainId, adjudicator, towerBond, provider, signer, minBondWei, receipts } = parts;
  const { tower } = await new HttpService(url, { timeoutMs: REQUEST_MS }).get("/v1/info");
  if (typeof tower !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(tower)) throw sdkError("SDK_RESPONSE", "the tower does not say which account is bonded", { url });
  const domain: TowerDomain = { chainId, adjudicator: fromHex(adjudicator, 20), towerBond: fromHex(towerBond, 20) };
  return new TowerClient({
    url, domain, tower, provider, timeoutMs: REQUEST_MS,
    ...(minBondWei === undefined ? {} : { minBondWei }),
    sign: async (digest32) => ({ signature: await signer.sign(digest32) }),
    keep: (signed, state) => receipts.put({ ...signed, url, state }),
  });
}
