import type { JsonRpcApiProvider, Signer } from "ethers";

import { CHANNEL_ABIS } from "../../chain/channels/connectAdjudicator.ts";
import { REORG_DEPTH_BLOCKS } from "../../chain/HeadWatcher.ts";
import { locatorOf, openSealed } from "../../chain/tower/sealState.ts";
import { readTowerState } from "../../chain/tower/towerJson.ts";
import { TowerStateError } from "../../chain/tower/TowerStateError.ts";
import type { TowerDomain } from "../../chain/tower/TowerState.ts";
import type { FeePolicy } from "../../chain/transactions/decideFees.ts";
import type { LaneRules } from "../../chain/transactions/decideLane.ts";
import { DEFAULT_FEE_LIMITS } from "../../chain/transactions/decidePressure.ts";
import type { FeeLimits } from "../../chain/transactions/decidePressure.ts";
import type { IntentJournal } from "../../chain/transactions/intent.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionKey } from "../../chain/transactions/TransactionSigner.ts";
import { channelIdOf, HOME } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";
import { Answers, intentIdOf, isAnswered, wishOf } from "./act/Answers.ts";
import { CoreAnswers } from "./core/CoreAnswers.ts";
import type { CoreAnswerer } from "./core/CoreAnswerer.ts";
import type { CoreChannels } from "./core/CoreChannels.ts";
import { betterUpdate } from "./decide/betterUpdate.ts";
import { decide, DEFAULT_POLICY } from "./decide/decide.ts";
import type { Respond, TowerAlarm, TowerPolicy } from "./decide/decide.ts";
import { CHANNEL_STATUS } from "./decide/Dispute.ts";
import type { HeldState } from "./decide/Dispute.ts";
import { Intake } from "./intake/Intake.ts";
import type { IntakeRules } from "./intake/Intake.ts";
import type { ReceiptSigner } from "./intake/ReceiptSigner.ts";
import { createTowerProcessor, LOOK } from "./processor.ts";
import { L1Channels } from "./read/L1Channels.ts";
import type { SeenHead } from "./read/L1Channels.ts";
import { NO_END } from "./store/TowerStore.ts";
import type { TowerStore } from "./store/TowerStore.ts";
import { TowerError } from "./TowerError.ts";

/** An account that answers, with a row of nonces of its own. */
export interface TowerLane {
  readonly signer: Signer | TransactionKey;
  readonly journal: IntentJournal;
  /** Where it sends; lanes that begin with another endpoint each are not silenced by one. */
  readonly provider: JsonRpcApiProvider;
}

export interface TowerOptions {
  /** One for each L1 endpoint. */
  readonly endpoints: readonly JsonRpcApiProvider[];
  readonly domain: TowerDomain;
  /** At least one; the others are spare. Nobody else may use the accounts. */
  readonly lanes: readonly TowerLane[];
  readonly receiptSigner: ReceiptSigner;
  /** The caller closes it after `stop`. */
  readonly store: TowerStore;
  /** A queue of its own. The caller closes it after `stop`. */
  readonly queue: WakeQueue;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly intake?: Partial<IntakeRules>;
  readonly policy?: Partial<TowerPolicy>;
  readonly fees?: Partial<FeeLimits>;
  /** Channels at home in Layer Core; without it they are refused. */
  readonly core?: { readonly channels: CoreChannels; readonly answerer: CoreAnswerer };
  /** Share of the window after which an answer in Layer Core that is in no batch goes by L1's queue too. */
  readonly forceAfter?: number;
  /** Alarm when an account has less. */
  readonly minBalanceWei?: bigint;
  /** How often to look without being woken. */
  readonly everyMs?: number;
  /** Watched channels that are read in each look, whether or not an event spoke of them. */
  readonly sweep?: number;
  /** For local chains: poll and bump faster. */
  readonly transactions?: { readonly pollMs?: number; readonly rules?: Partial<LaneRules>; readonly fees?: Partial<FeePolicy> };
  readonly onAlarm?: (alarm: TowerAlarm) => void;
  /** Told of each answer that is asked for, once a lane. */
  readonly onAnswer?: (answer: Respond) => void;
}

export interface TowerStatus {
  readonly addresses: readonly string[];
  readonly signer: string;
  readonly block: number | undefined;
  readonly endpoints: { readonly answering: number; readonly configured: number };
  readonly channels: number;
  readonly sealed: number;
  readonly isFull: boolean;
  /** Closes that are followed. */
  readonly disputes: number;
  /** Answers that are not recorded yet. */
  readonly answers: number;
  readonly pendingTransactions: number;
  readonly alarms: readonly string[];
}

export interface Tower {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Looks now. */
  look(): Promise<void>;
  status(): TowerStatus;
  isWell(): boolean;
  readonly intake: Intake;
  readonly rules: IntakeRules;
  readonly policy: TowerPolicy;
  readonly managers: readonly TransactionManager[];
}

const DAY_SECONDS = 86_400;
export const DEFAULT_INTAKE_RULES: IntakeRules = {
  mandateSeconds: 30 * DAY_SECONDS,
  minWindowSeconds: 600,
  minCoreWindowSeconds: 2 * DAY_SECONDS,
  minHeldWei: 0n,
  takesCore: false,
  maxBusy: 256,
  maxSealedBytes: 16_384,
};
const DEFAULT_EVERY_MS = 4_000;
const DEFAULT_SWEEP = 20;
const MAX_IN_FLIGHT = 64;
const CONCURRENCY = 8;
const DEFAULT_FORCE_AFTER = 0.1;
/** Promises that ended are forgotten this often. */
const DROP_EVERY_LOOKS = 100;
/** A head that was seen longer ago than so many looks, and so much time, is no basis for a promise. */
const STALE_LOOKS = 15;
const STALE_MS = 30_000;
const MARK = "l1Block";

/** Watches channels: keeps the best state of each side and answers a unilateral close of less. All it knows is on L1 or in its store. */
export function createTower(options: TowerOptions): Tower {
  const { endpoints, domain, store, queue, logger, metrics, receiptSigner } = options;
  const policy: TowerPolicy = { ...DEFAULT_POLICY, ...options.policy };
  const rules: IntakeRules = { ...DEFAULT_INTAKE_RULES, ...options.intake, takesCore: options.core !== undefined };
  const feeLimits: FeeLimits = { ...DEFAULT_FEE_LIMITS, ...options.fees };
  const everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
  const adjudicator = toHex(domain.adjudicator);
  const channels = new L1Channels(endpoints, adjudicator);
  const alarmCount = metrics?.counter("tower_alarms_total", "Alarms of the tower", ["code"]);
  const answerCount = metrics?.counter("tower_answers_total", "Answers that were asked for");
  const addresses: string[] = [];
  /** Alarms by what they are about, while they last. */
  const alarms = new Map<string, string>();
  let head: SeenHead | undefined;
  let seenAtMs = -Infinity;
  let looks = 0;
  let sweeping: Iterator<string> | undefined;
  const followed = new Map(store.disputes().map((dispute) => [dispute.channelId, dispute]));

  function raise(about: string, code: string, detail: Record<string, unknown> = {}): void {
    if (alarms.has(about)) return;
    alarms.set(about, code);
    alarmCount?.inc({ code });
    const shown = Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]));
    logger.error({ ...shown, code }, `Alarm: ${code} (${about}).`);
  }

  function lower(about: string): void {
    if (alarms.delete(about)) logger.info({ about }, "An alarm is over.");
  }

  const managers: readonly TransactionManager[] = options.lanes.map(({ signer, journal, provider }, lane) =>
    createTransactionManager({
      provider, signer, journal, abis: CHANNEL_ABIS,
      ...options.transactions,
      isDone: async ({ id }) => {
        const wish = wishOf(id);
        if (wish === undefined) return false;
        const { provider: reader, block } = await channels.head();
        return isAnswered(await channels.markOf(reader, wish.channelId, block.number), wish.rank);
      },
      fees: { maxFeeCapWei: feeLimits.calmCapWei, ...options.transactions?.fees },
      rules: { maxInFlight: MAX_IN_FLIGHT, ...options.transactions?.rules },
      pressure: () => answers.pressureOf(lane),
      ...(options.minBalanceWei === undefined ? {} : { minBalanceWei: options.minBalanceWei }),
      onAlarm: (error) => {
        if (error.code === "L1_LOW_BALANCE" || error.code === "L1_FUNDS") raise(`lane ${lane} funds`, "tower/low-balance", error.values);
        else raise(`lane ${lane}`, error.code, { detail: error.message });
      },
      onRecovered: () => lower(`lane ${lane}`),
      onReorged: (intentId) => logger.warn({ intentId, lane }, "A reorganisation of L1 took an answer away; it is sent again."),
    }),
  );
  const answers: Answers = new Answers(managers, adjudicator, feeLimits);

  const coreAnswers = options.core === undefined ? undefined : new CoreAnswers({ ...options.core, manager: managers[0]!, forceAfter: options.forceAfter ?? DEFAULT_FORCE_AFTER, logger });

  const intake = new Intake({
    domain, store, rules,
    signer: receiptSigner,
    now: () => (head === undefined || performance.now() - seenAtMs > Math.max(STALE_MS, STALE_LOOKS * everyMs) ? undefined : head.block.timestamp),
    markOf: async (channelId, home) => {
      if (home === HOME.CORE && coreAnswers !== undefined) return await coreAnswers.markOf(channelId);
      const { provider, block } = await channels.head();
      return await channels.markOf(provider, channelId, block.number);
    },
    isGrantRegistered: async (channelId, grant) => await channels.isGrantRegistered((await channels.head()).provider, channelId, grant),
    onState: (channelId) => {
      if (followed.has(channelId)) processor.wake(channelId);
    },
  });

  async function follow(channelId: string): Promise<void> {
    if (followed.get(channelId)?.endedAtBlock === undefined && followed.has(channelId)) return;
    const dispute = { channelId, endedAtBlock: undefined };
    followed.set(channelId, dispute);
    await store.putDispute(dispute);
    logger.info({ channelId }, "A close was asked for.");
  }

  async function look(): Promise<void> {
    head = await channels.head();
    [seenAtMs, looks] = [performance.now(), looks + 1];
    const { provider, block } = head;
    answers.setNow(block.timestamp);
    const last = store.mark(MARK) ?? block.number;
    // Events are read again as far back as a reorganisation may reach: a close may come back in another block.
    const challenged = await channels.challengedIn(provider, Math.max(0, Math.min(last, block.number) - REORG_DEPTH_BLOCKS), block.number);
    for (const channelId of challenged) {
      const isOver = followed.get(channelId)?.endedAtBlock !== undefined;
      if (!isOver && (store.isWatched(channelId) || store.sealedCount > 0)) await follow(channelId);
    }
    await sweepSome(head);
    await lookAtCore();
    if (last !== block.number) await store.putMark(MARK, block.number);
    for (const channelId of followed.keys()) processor.wake(channelId);
    if (looks % DROP_EVERY_LOOKS === 0) await store.dropEnded(block.timestamp);
    if (store.isFull) raise("store", "tower/full", { limit: store.watchedCount });
    else lower("store");
    if (channels.answering < channels.endpointCount) raise("endpoints", "tower/l1-down", { answering: channels.answering, configured: channels.endpointCount });
    else lower("endpoints");
    await checkBalances(head);
  }

  /** What the replica of Layer Core shows; when it is away, L1 is watched all the same. */
  async function lookAtCore(): Promise<void> {
    if (coreAnswers === undefined) return;
    try {
      await coreAnswers.look();
      lower("Layer Core");
    } catch (error) {
      if (!(error instanceof TowerError)) throw error;
      return raise("Layer Core", error.code, { detail: error.message });
    }
    for (const channelId of store.channelIds()) {
      if (homeOf(channelId) === HOME.CORE && coreAnswers.needsLook(channelId)) await follow(channelId);
    }
  }

  function homeOf(channelId: string): number | undefined {
    return (store.find(channelId, 0) ?? store.find(channelId, 1))?.home;
  }

  /** Reads some of the watched channels although no event spoke of them: an endpoint that swallows an event does not blind the tower. */
  async function sweepSome({ provider, block }: SeenHead): Promise<void> {
    const size = Math.min(options.sweep ?? DEFAULT_SWEEP, store.watchedCount);
    const ids: string[] = [];
    while (ids.length < size) {
      sweeping ??= store.channelIds()[Symbol.iterator]();
      const next = sweeping.next();
      if (next.done === true) {
        sweeping = undefined;
        break;
      }
      ids.push(next.value);
    }
    await Promise.all(
      ids.map(async (channelId) => {
        if (coreAnswers?.find(channelId) !== undefined) return;
        const { status } = await channels.markOf(provider, channelId, block.number);
        if (status === CHANNEL_STATUS.CLOSING || status === CHANNEL_STATUS.CLOSED) await follow(channelId);
      }),
    );
  }

  async function checkBalances({ provider }: SeenHead): Promise<void> {
    if (options.minBalanceWei === undefined) return;
    for (const address of addresses) {
      const balanceWei = BigInt((await provider.send("eth_getBalance", [address, "latest"])) as string);
      if (balanceWei < options.minBalanceWei) raise(`balance ${address}`, "tower/low-balance", { address, balanceWei });
      else lower(`balance ${address}`);
    }
  }

  /** What can be handed in for a channel: what is watched, and what the close opens. */
  async function heldFor(channelId: string, version: number): Promise<HeldState[]> {
    const held: HeldState[] = [];
    for (const side of [0, 1] as const) {
      const [ref, body] = [store.find(channelId, side), store.readBody(channelId, side)];
      if (ref === undefined || body === undefined) continue;
      held.push({ state: readTowerState(JSON.parse(body)), validUntil: ref.validUntil, until: ref.until });
    }
    for (const sealed of store.readSealed(toHex(locatorOf(fromHex(channelId), version)))) {
      try {
        const state = await openSealed(sealed.body, fromHex(channelId), version);
        const { validUntil } = intake.checkSealed(state);
        if (toHex(channelIdOf(state.config)) === channelId) held.push({ state, validUntil: Math.min(validUntil, NO_END), until: 0 });
      } catch (error) {
        // Anybody may leave garbage under a locator: it is passed over.
        if (!(error instanceof TowerStateError)) throw error;
        logger.debug({ err: error, channelId }, "A sealed body is no answer to this close.");
      }
    }
    return held;
  }

  async function turn(channelId: string): Promise<void> {
    if (!followed.has(channelId)) return;
    const { provider, block } = await channels.head();
    const inCore = coreAnswers?.find(channelId);
    const mark = inCore?.mark ?? (await channels.markOf(provider, channelId, block.number));
    const now = inCore === undefined ? block.timestamp : coreAnswers!.l2Time;
    const held = await heldFor(channelId, mark.version);
    const config = held[0]?.state.config;
    if (config === undefined) return await endDispute(channelId, false, block.number);
    const better = betterUpdate(mark, held, now);
    const actions = decide(
      {
        channelId, now, mark, held,
        isGone: coreAnswers?.isGone(channelId) === true,
        windowSeconds: config.windowSeconds,
        lanes: better === undefined || inCore !== undefined ? managers.map(() => undefined) : answers.usesOf(intentIdOf(channelId, better.rank), now, block.number),
        load: answers.load(now, policy.laneAfter),
        unitWei: config.asset.every((byte) => byte === 0) ? BigInt(config.unit) : undefined,
      },
      policy,
    );
    if (!actions.some(({ type }) => type === "respond")) answers.forget(channelId);
    if (!actions.some(({ type }) => type === "over")) await reopen(channelId);
    if (!actions.some((action) => action.type === "alarm" && action.alarm.code === "tower/near-deadline")) lower(`near ${channelId}`);
    for (const action of actions) {
      if (action.type === "alarm") tell(action.alarm);
      if (action.type === "over") await endDispute(channelId, action.isClosed, block.number);
      if (action.type === "respond" && inCore !== undefined) {
        await coreAnswers!.answer(inCore, action, provider);
      } else if (action.type === "respond") {
        const asked = await answers.ask(action, config, now, block.number);
        if (asked === 0) continue;
        answerCount?.inc(asked);
        logger.info({ channelId, deadline: mark.deadline, version: action.rank.version, lanes: action.lanes }, "An answer is asked for.");
        options.onAnswer?.(action);
      }
    }
  }

  function tell(alarm: TowerAlarm): void {
    options.onAlarm?.(alarm);
    raise(alarm.code === "tower/late" ? `late ${alarm.channelId}` : `near ${alarm.channelId}`, alarm.code, { ...alarm });
  }

  /** A reorganisation brought the close back. */
  async function reopen(channelId: string): Promise<void> {
    if (followed.get(channelId)?.endedAtBlock === undefined) return;
    const dispute = { channelId, endedAtBlock: undefined };
    followed.set(channelId, dispute);
    await store.putDispute(dispute);
  }

  /** Over as far as the head says; forgotten when no reorganisation can bring it back. */
  async function endDispute(channelId: string, isClosed: boolean, block: number): Promise<void> {
    const endedAt = followed.get(channelId)?.endedAtBlock;
    if (endedAt === undefined || endedAt > block) {
      const dispute = { channelId, endedAtBlock: block };
      followed.set(channelId, dispute);
      return await store.putDispute(dispute);
    }
    if (block - endedAt <= REORG_DEPTH_BLOCKS) return;
    followed.delete(channelId);
    await store.dropDispute(channelId);
    if (isClosed) await store.dropChannel(channelId);
  }

  const processor = createTowerProcessor({
    queue, logger, look, everyMs,
    channel: turn,
    concurrency: CONCURRENCY,
    onRetry: (_id, { code }) => {
      alarmCount?.inc({ code });
      if (code === "tower/l1-down") raise("endpoints", code, { answering: 0 });
    },
  });

  metrics?.gauge("tower_channels", "States in clear that are watched", { read: () => store.watchedCount });
  metrics?.gauge("tower_sealed", "Sealed bodies that are kept", { read: () => store.sealedCount });
  metrics?.gauge("tower_disputes", "Closes that are followed", { read: () => followed.size });
  metrics?.gauge("tower_answers_open", "Answers that are not recorded yet", { read: () => answers.openCount });
  metrics?.gauge("tower_transactions_pending", "Transactions under way", { read: () => answers.pending });
  metrics?.gauge("tower_endpoints_answering", "L1 endpoints that answered the last look", { read: () => channels.answering });
  metrics?.gauge("tower_l1_block", "L1 block of the last look", { read: () => head?.block.number ?? 0 });

  return {
    intake, rules, policy, managers,
    async start() {
      for (const { signer } of options.lanes) addresses.push("getAddress" in signer ? await signer.getAddress() : signer.address);
      for (const manager of managers) await manager.start();
      await processor.start();
      await processor.run(LOOK);
    },
    async stop() {
      await processor.stop();
      for (const manager of managers) await manager.stop();
    },
    look: () => processor.run(LOOK),
    isWell: () => head !== undefined && processor.troubleOf(LOOK) === undefined && alarms.size === 0,
    status: () => ({
      addresses,
      signer: receiptSigner.address,
      block: head?.block.number,
      endpoints: { answering: channels.answering, configured: channels.endpointCount },
      channels: store.watchedCount,
      sealed: store.sealedCount,
      isFull: store.isFull,
      disputes: [...followed.values()].filter(({ endedAtBlock }) => endedAtBlock === undefined).length,
      answers: answers.openCount,
      pendingTransactions: answers.pending,
      alarms: [...alarms].map(([about, code]) => `${code} (${about})`),
    }),
  };
}
