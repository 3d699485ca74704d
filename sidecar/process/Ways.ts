import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { CALL_SCHEME, CHANNEL_SCHEME, ChannelDesk, CoreChannelDesk } from "../../sdk/index.ts";
import { ChannelAgent, CoreHome } from "../../sdk/node/index.ts";
import type { ChannelNotice } from "../../sdk/node/index.ts";
import type { SidecarSettings } from "../config.ts";
import type { OpenChain } from "../identity/openChain.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import { recallAnswer } from "../ledger/recallAnswer.ts";
import { CallWay } from "../ways/callWay.ts";
import { ChannelWay } from "../ways/channelWay.ts";
import { createExactWay } from "../ways/exactWay.ts";
import type { ExactWay } from "../ways/exactWay.ts";
import type { WayName } from "../ways/Way.ts";
import { LateWay } from "./LateWay.ts";

const RETRY_MS = 3_000;

export interface WaysOptions {
  readonly settings: SidecarSettings;
  readonly chain: OpenChain;
  readonly ledger: Ledger | undefined;
  /** Tokens that `exact` takes. */
  readonly tokens: readonly string[];
  readonly logger: Logger;
  readonly onNotice: (notice: ChannelNotice) => void;
  /** A way has come up: what was left open with it can be found out now. */
  readonly onUp: (name: WayName) => void;
}

/** The ways to be paid: offered as each comes up, and taken down together. */
export class Ways {
  readonly late: readonly LateWay[];
  readonly #options: WaysOptions;
  readonly #stop = new AbortController();
  readonly #tasks: Promise<void>[] = [];
  #exact: ExactWay | undefined;
  #channelWay: ChannelWay | undefined;
  #channels: ChannelAgent | undefined;

  constructor(options: WaysOptions) {
    this.#options = options;
    const { settings, tokens, chain, ledger } = options;
    const schemes: Record<WayName, string> = { exact: "exact", call: CALL_SCHEME, channel: CHANNEL_SCHEME };
    const isOffered = (name: WayName): boolean => {
      if (ledger === undefined) return false;
      if (name === "exact") return settings.facilitator !== undefined && tokens.length > 0;
      return name === "call" || (chain.key.channelSigner !== undefined && chain.chain.contracts.adjudicator !== undefined);
    };
    this.late = settings.ways.filter(isOffered).map((name) => new LateWay(name, schemes[name]));
  }

  /** What is offered, whether it works now or not. */
  get names(): readonly WayName[] {
    return this.late.map(({ name }) => name);
  }

  get channels(): ChannelAgent | undefined {
    return this.#channels;
  }

  /** What others dial. */
  get channelPeer(): string | undefined {
    return this.#options.settings.channelAddress ?? this.#channels?.listening;
  }

  #find(name: WayName): LateWay | undefined {
    return this.late.find((way) => way.name === name);
  }

  /** Begins with what needs no account. @throws what a store that is locked or broken throws */
  async start(): Promise<void> {
    const { settings, chain, logger, tokens } = this.#options;
    const exact = this.#find("exact");
    if (exact !== undefined) {
      this.#exact = createExactWay({ chainId: chain.economy.chainId, payTo: chain.key.address, assets: tokens.map((asset) => ({ asset })), facilitatorUrl: settings.facilitator!, provider: chain.provider, logger });
      await this.#exact.start();
      exact.bind(this.#exact);
      this.#options.onUp("exact");
    }
    const mayPay = settings.promoteDeposit !== undefined && chain.key.channelSigner !== undefined && chain.chain.contracts.adjudicator !== undefined;
    if (this.#find("channel") !== undefined || mayPay) this.#tasks.push(this.#retried("channels", () => this.#startChannels()));
  }

  /** What needs the account, once it is there. */
  accountIsOpen(): void {
    const call = this.#find("call");
    if (call === undefined || call.isReady) return;
    const way = new CallWay({ agent: this.#options.chain.agent });
    this.#tasks.push(this.#retried("calls", async () => {
      await way.start();
      call.bind(way);
      this.#options.onUp("call");
    }));
  }

  async #startChannels(): Promise<void> {
    const { settings, chain, ledger, onNotice, onUp } = this.#options;
    const { key, client, agent, provider, fromBlock } = chain;
    const late = this.#find("channel");
    const way = late === undefined ? undefined : new ChannelWay({
      chainId: chain.economy.chainId, adjudicator: chain.chain.contracts.adjudicator!, payTo: key.address, peer: () => this.channelPeer, unit: chain.chain.asset.assetScale,
      matchMs: settings.matchMs, ticketWaitMs: settings.ticketWaitMs, isRecorded: settings.recordCalls,
      ...(ledger === undefined ? {} : { recall: recallAnswer(ledger) }),
    });
    const { towerBond } = chain.chain.contracts;
    this.#channels = await ChannelAgent.start({
      dir: join(settings.dataDir, "channels"),
      signer: key.channelSigner!,
      desk: await ChannelDesk.connect(client, key.connectL1(provider)),
      core: new CoreHome(new CoreChannelDesk(agent), provider),
      fromBlock,
      ...(late === undefined ? {} : { listen: settings.channelListen }),
      ...(settings.towers.length === 0 || towerBond === undefined ? {} : { towers: { urls: settings.towers, towerBond } }),
      ...(way === undefined ? {} : { serve: (channel) => way.attach(channel) }),
      onNotice: (notice) => {
        if (notice.kind === "settled") way?.detach(notice.channelId);
        onNotice(notice);
      },
    });
    this.#channelWay = way;
    late?.bind(way);
    onUp("channel");
  }

  /** Again and again while a server is away; what is wrong for good is told once. */
  async #retried(what: string, work: () => Promise<void>): Promise<void> {
    const { logger } = this.#options;
    for (let isTold = false; !this.#stop.signal.aborted; ) {
      try {
        await work();
        return;
      } catch (thrown) {
        const error = toError(thrown);
        if (!isTold) logger.warn({ err: error }, `Payments by ${what} are not taken yet; it is tried again.`);
        isTold = true;
        await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
    this.#channelWay?.close();
    await this.#channels?.stop();
    await this.#exact?.stop();
  }
}
