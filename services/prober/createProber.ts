import { randomBytes } from "node:crypto";

import type { JsonRpcApiProvider } from "ethers";

import { decidePressure } from "../../chain/transactions/decidePressure.ts";
import type { FeeLimits } from "../../chain/transactions/decidePressure.ts";
import { askableId } from "../../chain/transactions/askableId.ts";
import type { FeePolicy } from "../../chain/transactions/decideFees.ts";
import type { LaneRules } from "../../chain/transactions/decideLane.ts";
import type { IntentJournal } from "../../chain/transactions/intent.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { LanePressure } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionKey } from "../../chain/transactions/TransactionSigner.ts";
import { connectUptimeMeter, UPTIME_ABIS } from "../../chain/uptime/connectUptimeMeter.ts";
import { endpointHashOf } from "../../chain/uptime/UptimeTerms.ts";
import { blockSourceOf } from "../../chain/HeadWatcher.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";
import { encodeProberCall, intentIdOf, isPeriodCall, purposeOf } from "./act/encodeProberCall.ts";
import { decide } from "./decide/decide.ts";
import { REVEAL_PRESSURE, timedCalls } from "./decide/timedCalls.ts";
import type { EngagementView, ProberAlarm, ProberCall, ProberPolicy, ProberState, Secret } from "./decide/ProberState.ts";
import type { Sample } from "./measure/measureEndpoint.ts";
import { Sampler } from "./measure/Sampler.ts";
import { createProberProcessor, LOOK } from "./processor.ts";
import { EngagementBook } from "./read/EngagementBook.ts";
import type { KnownEngagement } from "./read/EngagementBook.ts";
import { isAcceptable } from "./read/isAcceptable.ts";
import type { Acceptance } from "./read/isAcceptable.ts";
import { L1Time } from "./read/L1Time.ts";
import { attestationOf, readEngagement } from "./read/readEngagement.ts";
import type { ProberStore } from "./store/ProberStore.ts";

export interface ProberOptions {
  readonly provider: JsonRpcApiProvider;
  readonly chainId: number;
  readonly meter: string;
  readonly firstBlock: number;
  /** The staked account; nobody else may use it. */
  readonly signer: TransactionKey;
  readonly journal: IntentJournal;
  readonly store: ProberStore;
  /** A queue of its own. The caller closes it after `stop`. */
  readonly queue: WakeQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Which bounties are attested. */
  readonly accepts: Omit<Acceptance, "address">;
  readonly maxEngagements: number;
  /** URLs that the terms of a bounty may have the hash of. */
  readonly endpoints: readonly string[];
  readonly measure: (url: string, signal: AbortSignal) => Promise<Sample>;
  readonly publishes: boolean;
  readonly policy: ProberPolicy;
  readonly fees: Omit<FeeLimits, "stakeWei">;
  readonly minBalanceWei: bigint;
  readonly everyMs: number;
  readonly transactions?: { readonly pollMs?: number; readonly rules?: Partial<LaneRules>; readonly fees?: Partial<FeePolicy> };
}

export interface ProberStatus {
  readonly address: string;
  readonly block: number | undefined;
  readonly stakeWei: string | undefined;
  readonly engagements: readonly { readonly key: string; readonly url: string | undefined; readonly isOpen: boolean; /** Of the last period that is revealed. */ readonly revealedBps: number | undefined }[];
  readonly pendingTransactions: number;
  readonly alarms: readonly string[];
}

export interface Prober {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Looks once, now. */
  look(): Promise<void>;
  isWell(): boolean;
  status(): ProberStatus;
}

/** A sample that found nothing counts only if we were online: so many looks ago one succeeded. */
const ONLINE_LOOKS = 3;
const SALT_BYTES = 32;

/** Measures endpoints and attests to what it measured. */
export async function createProber(options: ProberOptions): Promise<Prober> {
  const { provider, signer, store, clock, logger, metrics, policy, everyMs, chainId } = options;
  const { address } = signer;
  const meter = connectUptimeMeter(options.meter, provider);
  const [penaltyWei, registry] = await Promise.all([meter.penaltyWei(), options.publishes ? meter.validationRegistry() : undefined]);
  const acceptance: Acceptance = { ...options.accepts, address: address.toLowerCase() };
  const urlByHash = new Map(options.endpoints.map((url) => [endpointHashOf(url), url]));
  const time = new L1Time(clock);
  const book = new EngagementBook({
    provider, meter: options.meter, validationRegistry: registry, firstBlock: options.firstBlock,
    isWanted: (engagement) => isAcceptable(engagement, acceptance),
  });
  const urlOf = (known: KnownEngagement): string | undefined => (BigInt(known.endpointHash) === 0n ? book.urlAnnouncedFor(known.key) : urlByHash.get(known.endpointHash));

  const alarmCount = metrics.counter("prober_alarms_total", "Alarms and failed looks, by code", ["code"]);
  const callCount = metrics.counter("prober_calls_total", "Calls asked for, by type", ["type"]);
  const sampleCount = metrics.counter("prober_samples_total", "Samples of endpoints, by outcome", ["outcome"]);
  let pressure: LanePressure | undefined;
  let views: readonly EngagementView[] = [];
  let alarms: readonly ProberAlarm[] = [];
  const told = new Set<string>();
  const slashes = new Map<string, bigint>();
  const revealed = new Map<string, number>();
  let block: number | undefined;
  let stakeWei: bigint | undefined;
  let lookedAtMs = -Infinity;

  const manager = createTransactionManager({
    provider, signer, journal: options.journal, abis: UPTIME_ABIS,
    ...options.transactions,
    fees: { maxFeeCapWei: options.fees.calmCapWei, ...options.transactions?.fees },
    minBalanceWei: options.minBalanceWei,
    isDone: async ({ id }) => await isDone(id),
    pressure: () => pressure,
    onAlarm: (error) => {
      alarmCount.inc({ code: error.code });
      logger.warn({ err: error }, `Transactions are held up: ${error.message}`);
    },
    onRecovered: () => logger.info("Transactions go out again."),
    onReorged: (intentId) => logger.warn({ intentId }, "A reorganisation of L1 took a transaction away; it is sent again."),
  });

  async function isDone(intentId: string): Promise<boolean> {
    const purpose = purposeOf(intentId);
    switch (purpose?.type) {
      case undefined:
        return false;
      case "join":
        return (await meter.stakeOf(address)).amountWei > 0n;
      case "unbond":
        return (await meter.stakeOf(address)).payableAt > 0n;
      case "withdrawStake":
        return (await meter.stakeOf(address)).amountWei === 0n;
      case "commit":
        return attestationOf(await meter.attestationOf(purpose.key, purpose.period, address)) !== "none";
      case "reveal":
        return attestationOf(await meter.attestationOf(purpose.key, purpose.period, address)) === "revealed";
      case "tally":
        return (await meter.periodOf(purpose.key, purpose.period)).isTallied;
      case "publish":
        return (await meter.periodOf(purpose.key, purpose.period)).isPublished;
    }
  }

  function onSample(url: string, sample: Sample): void {
    const isOnline = clock.monotonicMs() - lookedAtMs < ONLINE_LOOKS * everyMs;
    if (!sample.isOk && !isOnline) return void sampleCount.inc({ outcome: "discarded" });
    sampleCount.inc({ outcome: sample.isOk ? "ok" : "down" });
    if (!sample.isOk) logger.debug({ url, reason: sample.reason }, "A sample found the endpoint down.");
    const now = time.now();
    for (const view of views) {
      if (view.url === url && view.isOpen && now >= view.begunAt) store.addSample(view.key, Math.floor((now - view.begunAt) / view.periodSeconds), sample.isOk);
    }
  }

  const sampler = new Sampler({ everyMs: policy.sampleMs, clock, measure: options.measure, onSample });

  async function secretFor(call: ProberCall): Promise<Secret | undefined> {
    if (call.type !== "commit") return undefined;
    return await store.keepSecret(call.key, call.period, { uptimeBps: call.uptimeBps, salt: `0x${randomBytes(SALT_BYTES).toString("hex")}` });
  }

  async function ask(call: ProberCall, head: number): Promise<void> {
    const id = askableId(intentIdOf(call), (intentId) => manager.find(intentId), head);
    if (id === undefined) return;
    const secret = await secretFor(call);
    const panelOf = (key: string): readonly string[] => book.engagements.find((each) => each.key === key)?.panel ?? [];
    const encoded = encodeProberCall(call, { domain: { chainId, meter: options.meter }, validator: address, panelOf, ...(secret === undefined ? {} : { secret }) });
    await manager.submit({ id, ...encoded });
    if (call.type === "join") await store.noteJoined();
    callCount.inc({ type: call.type });
    // Nothing of what is committed to is told before it is revealed: whoever reads it could copy it.
    if (call.type === "reveal") revealed.set(call.key, call.secret.uptimeBps);
    logger.info({ intentId: id, ...(call.type === "reveal" ? { uptimeBps: call.secret.uptimeBps } : {}) }, `${call.type} is asked for.`);
  }

  /** One that cannot be made must not keep the others from being made. */
  async function askAll(calls: readonly ProberCall[], head: number): Promise<void> {
    let failure: unknown;
    for (const call of calls) {
      try {
        await ask(call, head);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  function tell(current: readonly ProberAlarm[]): void {
    alarms = current;
    for (const { code, detail } of current) {
      if (told.has(detail)) continue;
      told.add(detail);
      alarmCount.inc({ code });
      logger.error({ code }, `${detail}.`);
    }
    const lasting = new Set(current.map(({ detail }) => detail));
    for (const detail of told) if (!lasting.has(detail)) told.delete(detail);
  }

  async function lookForSlashes(known: readonly KnownEngagement[]): Promise<void> {
    for (const { key, board, id } of known) {
      const { slashed } = await meter.attestedOf(address, board, id);
      const before = slashes.get(key);
      slashes.set(key, slashed);
      if (before === undefined || slashed <= before) continue;
      alarmCount.inc({ code: "prober/slashed" });
      logger.error({ code: "prober/slashed", key, board, id: String(id), slashed: String(slashed) }, "The meter burned a part of the stake.");
    }
  }

  async function read(head: number): Promise<ProberState> {
    await book.scan(head);
    const now = time.now();
    const known: KnownEngagement[] = [];
    const seen: EngagementView[] = [];
    for (const each of book.engagements) {
      if (seen.length >= options.maxEngagements) break;
      const view = await readEngagement(each, now, { runner: provider, meter, address, store, book, urlOf });
      if (view === undefined) continue;
      known.push(each);
      seen.push(view);
    }
    views = seen;
    await lookForSlashes(known);
    const stake = await meter.stakeOf(address);
    stakeWei = stake.amountWei;
    return { now, stakeWei: stake.amountWei, lockedWei: stake.lockedWei, payableAt: stake.payableAt === 0n ? undefined : Number(stake.payableAt), isNew: stake.amountWei === 0n && !store.hasJoined, penaltyWei, engagements: seen };
  }

  async function look(): Promise<void> {
    const head = await blockSourceOf(provider).latest();
    time.observe(head.timestamp);
    const state = await read(head.number);
    [block, lookedAtMs] = [head.number, clock.monotonicMs()];
    sampler.watch(new Set(views.flatMap(({ url, isOpen }) => (isOpen && url !== undefined ? [url] : []))));
    await store.save();
    const actions = decide(state, policy);
    tell(actions.filter((action) => action.type === "alarm"));
    const calls = actions.filter((action) => action.type !== "alarm");
    pressure = decidePressure(timedCalls(calls, phaseSecondsOf, penaltyWei), state.now, REVEAL_PRESSURE, { ...options.fees, stakeWei: 0n });
    await askAll(calls, head.number);
  }

  function phaseSecondsOf(call: ProberCall): number {
    const view = isPeriodCall(call) ? views.find(({ key }) => key === call.key) : undefined;
    return (call.type === "commit" ? view?.commitSeconds : view?.revealSeconds) ?? 0;
  }

  const processor = createProberProcessor({ queue: options.queue, look, everyMs, logger, onRetry: ({ code }) => alarmCount.inc({ code }) });

  metrics.gauge("prober_engagements", "Bounties that are measured or settled", { read: () => views.length });
  metrics.gauge("prober_stake_wei", "Own stake", { read: () => Number(stakeWei ?? 0n) });
  metrics.gauge("prober_transactions_pending", "Transactions under way", { read: () => manager.status().pending });
  metrics.gauge("prober_l1_block", "L1 block of the last look", { read: () => block ?? 0 });

  return {
    async start() {
      await manager.start();
      await processor.start();
      await processor.run(LOOK);
    },
    async stop() {
      await processor.stop();
      await sampler.stop(); // after the last look, which says what to sample
      await manager.stop();
      await store.save();
    },
    look: () => processor.run(LOOK),
    isWell: () => block !== undefined && alarms.length === 0 && processor.troubleOf(LOOK) === undefined,
    status: () => ({
      address,
      block,
      stakeWei: stakeWei === undefined ? undefined : String(stakeWei),
      engagements: views.map(({ key, url, isOpen }) => ({ key, url, isOpen, revealedBps: revealed.get(key) })),
      pendingTransactions: manager.status().pending,
      alarms: alarms.map(({ detail }) => detail),
    }),
  };
}

