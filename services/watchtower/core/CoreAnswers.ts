import type { JsonRpcApiProvider } from "ethers";

import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import { intentIdOf } from "../act/Answers.ts";
import type { Respond } from "../decide/decide.ts";
import { begunAt, CHANNEL_STATUS } from "../decide/Dispute.ts";
import type { ChannelMark } from "../decide/Dispute.ts";
import { TowerError } from "../TowerError.ts";
import type { CoreAnswerer } from "./CoreAnswerer.ts";
import type { CoreChannel, CoreChannels } from "./CoreChannels.ts";
import { coreRecords } from "./coreRecords.ts";

export interface CoreAnswersOptions {
  readonly channels: CoreChannels;
  readonly answerer: CoreAnswerer;
  /** Sends forced bundles: its account is the owner of the tower's account in Layer Core. */
  readonly manager: TransactionManager;
  /** Share of the window. */
  readonly forceAfter: number;
  readonly logger: Logger;
}

/** An answer that is in no batch after this time is handed to the sequencer again. */
const AGAIN_MS = 10_000;
const NONE: ChannelMark = {
  status: CHANNEL_STATUS.NONE, isExtended: false, isUnilateral: false, deadline: 0, version: 0, net: [0, 0], sequence: [0, 0], paid: [0, 0], highestPaid: [0, 0],
  locksHash: [`0x${"00".repeat(32)}`, `0x${"00".repeat(32)}`],
};

/** Answers to closes in Layer Core: to the sequencer first, by L1's queue when it does not take them. */
export class CoreAnswers {
  readonly #options: CoreAnswersOptions;
  /** When a wish was handed to the sequencer last. */
  readonly #sentAtMs = new Map<string, number>();
  /** Channels that were seen there once. */
  readonly #known = new Set<string>();

  constructor(options: CoreAnswersOptions) {
    this.#options = options;
  }

  get l2Time(): number {
    return this.#options.channels.l2Time;
  }

  find(channelId: string): CoreChannel | undefined {
    return this.#options.channels.find(channelId);
  }

  /** @throws TowerError `tower/core-down` */
  async look(): Promise<void> {
    await this.#options.channels.look();
  }

  /** Its close was asked for, or it has left Layer Core. */
  needsLook(channelId: string): boolean {
    const found = this.find(channelId);
    if (found !== undefined) this.#known.add(channelId);
    return found === undefined ? this.#known.has(channelId) : found.mark.status === CHANNEL_STATUS.CLOSING;
  }

  /** It was there, and is not any more: closed, or exported to L1, whose adjudicator then knows it. */
  isGone(channelId: string): boolean {
    return this.find(channelId) === undefined && this.#known.has(channelId);
  }

  /** Of a channel that a client brings. @throws TowerError `tower/core-down` */
  async markOf(channelId: string): Promise<ChannelMark> {
    if (this.find(channelId) === undefined) await this.look();
    return this.find(channelId)?.mark ?? NONE;
  }

  /** Hands the answer in; may be asked for in each look. @throws TowerError `tower/core-account` */
  async answer(channel: CoreChannel, answer: Respond, provider: JsonRpcApiProvider): Promise<void> {
    const { answerer, manager, logger, forceAfter } = this.#options;
    const wish = intentIdOf(channel.channelId, answer.rank);
    const records = coreRecords(answer.update, channel);
    const sentAtMs = this.#sentAtMs.get(wish);
    if (sentAtMs === undefined || performance.now() - sentAtMs >= AGAIN_MS) {
      this.#sentAtMs.set(wish, performance.now());
      try {
        await answerer.send(records, this.l2Time);
        logger.info({ channelId: channel.channelId, version: answer.rank.version }, "An answer is handed to the sequencer.");
      } catch (error) {
        if (!(error instanceof TowerError) || error.code === "tower/core-account") throw error;
        logger.warn({ err: toError(error), channelId: channel.channelId }, "The sequencer did not take an answer.");
      }
    }
    const start = begunAt({ mark: channel.mark, windowSeconds: answer.windowSeconds });
    const id = `force:${wish}`;
    if (this.l2Time < start + answer.windowSeconds * forceAfter || manager.find(id) !== undefined) return;
    await manager.submit(await answerer.forced(id, records, provider, this.l2Time));
    logger.warn({ channelId: channel.channelId }, "An answer goes by L1's queue.");
  }
}
