import { join } from "node:path";

import type { JsonRpcApiProvider, Signer } from "ethers";

import { ChainError } from "../../chain/ChainError.ts";
import { connectContracts, ROOT_ABIS } from "../../chain/connectContracts.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { blockSourceOf } from "../../chain/HeadWatcher.ts";
import type { BlockRef } from "../../chain/HeadWatcher.ts";
import { askableId } from "../../chain/transactions/askableId.ts";
import type { FeePolicy } from "../../chain/transactions/decideFees.ts";
import type { LaneRules } from "../../chain/transactions/decideLane.ts";
import { decidePressure, DEFAULT_FEE_LIMITS } from "../../chain/transactions/decidePressure.ts";
import type { FeeLimits } from "../../chain/transactions/decidePressure.ts";
import type { IntentJournal } from "../../chain/transactions/intent.ts";
import { nextTryId } from "../../chain/transactions/nextTryId.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { LanePressure, TransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionKey } from "../../chain/transactions/TransactionSigner.ts";
import { toHex } from "../../core/codec/hex.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";
import { encodeCall } from "./act/encodeCall.ts";
import { intentIdOf } from "./act/intentIds.ts";
import { inWorkOrder } from "./act/inWorkOrder.ts";
import { isDone } from "./act/isDone.ts";
import { Traces } from "./act/Traces.ts";
import { ChallengerError } from "./ChallengerError.ts";
import { decide } from "./decide/decide.ts";
import { decideCollection } from "./decide/decideCollection.ts";
import { mayCollect } from "./decide/mayCollect.ts";
import type { DisputeAlarm, DisputeCall } from "./decide/DisputeAction.ts";
import { DEFAULT_POLICY } from "./decide/DisputePolicy.ts";
import type { DisputePolicy } from "./decide/DisputePolicy.ts";
import type { DisputeRules, DisputeState } from "./decide/DisputeState.ts";
import { DISPUTE_PRESSURE, timedCalls } from "./decide/timedCalls.ts";
import type { EvidenceSource } from "./evidence/EvidenceSource.ts";
import { createChallengerProcessor, MOVED } from "./processor.ts";
import type { ChallengerTask } from "./processor.ts";
import type { DisputeSources } from "./read/DisputeSources.ts";
import { MoveBook } from "./read/MoveBook.ts";
import { readDisputes, readRules } from "./read/readDisputes.ts";
import { readDueMoney } from "./read/readDueMoney.ts";
import type { Collected } from "./read/readDueMoney.ts";

export interface ChallengerOptions {
  readonly provider: JsonRpcApiProvider;
  readonly deployment: Deployment;
  /** Backs, moves and holds the bonds; nobody else may use the account. */
  readonly signer: Signer | TransactionKey;
  readonly journal: IntentJournal;
  /** A queue of its own, e.g. `backend.queue("disputes")`. The caller closes it after `stop`. */
  readonly queue: WakeQueue;
  /** Folder of the replica. */
  readonly dataDir: string;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly policy?: Partial<DisputePolicy>;
  readonly fees?: Partial<FeeLimits>;
  /** How often to look without being woken. */
  readonly everyMs?: number;
  readonly collectEveryMs?: number;
  readonly snapshotBatches?: number;
  readonly maxEpochs?: number;
  /** Disputed epochs whose traces are kept in memory; one that is not is executed anew for its next move. */
  readonly maxTraces?: number;
  /** Backers whose entries are played as our own where they name us as mover: sequencers of the same operator. */
  readonly playFor?: readonly string[];
  /** For local chains: poll and bump faster. */
  readonly transactions?: { readonly pollMs?: number; readonly rules?: Partial<LaneRules>; readonly fees?: Partial<FeePolicy> };
  /** Reports equivocation where the chain has a set of operators. */
  readonly evidence?: EvidenceSource;
  /** L1 cannot be followed any more by this process, e.g. after a reorganisation deeper than any that is watched for: a new one can. */
  readonly onStop?: (error: Error) => void;
  /** Told in each turn while it lasts. */
  readonly onAlarm?: (alarm: DisputeAlarm) => void;
  /** Told of each call that is asked for, once. */
  readonly onCall?: (call: DisputeCall) => void;
}

export interface ChallengerStatus {
  readonly address: string;
  /** L1 block of the last turn. */
  readonly block: number | undefined;
  readonly batchCount: number;
  readonly stateRoot: string | undefined;
  readonly confirmedEpochs: number | undefined;
  readonly openEpochs: number;
  readonly games: number;
  readonly rivals: number;
  readonly pendingTransactions: number;
  readonly balanceWei: string | undefined;
  readonly alarms: readonly string[];
}

export interface Challenger {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Looks soon; it looks regularly anyway. */
  wake(task: ChallengerTask): void;
  /** Runs a turn now; its failure is told to the log. */
  run(task: ChallengerTask): Promise<void>;
  status(): ChallengerStatus;
  /** The last turn succeeded, and nothing is alarming. */
  isWell(): boolean;
  readonly replica: Replica;
  readonly manager: TransactionManager;
}

const DEFAULT_EVERY_MS = 4_000;
const DEFAULT_COLLECT_EVERY_MS = 60_000;
const DEFAULT_MAX_TRACES = 4;
export const DEFAULT_MAX_EPOCHS = 4_096;
const MAX_IN_FLIGHT = 64;

/** The honest party: a replica of its own, and the calls that keep the true state standing. All it knows is on L1 or in its folder. */
export async function createChallenger(options: ChallengerOptions): Promise<Challenger> {
  const { provider, deployment, signer, queue, logger, metrics, dataDir } = options;
  const policy: DisputePolicy = { ...DEFAULT_POLICY, ...options.policy };
  const feeLimits: FeeLimits = { ...DEFAULT_FEE_LIMITS, ...options.fees };
  const everyMs = options.everyMs ?? DEFAULT_EVERY_MS;
  const contracts = connectContracts(deployment, provider);
  const address = "getAddress" in signer ? await signer.getAddress() : signer.address;
  const alarmCount = metrics?.counter("alarms_total", "Alarms of the challenger", ["code"]);
  const callCount = metrics?.counter("calls_total", "Calls that were asked for", ["type"]);
  const collected: Collected = new Set();
  const told = new Set<string>();
  let state: DisputeState | undefined;
  let head: BlockRef | undefined;
  let rules: DisputeRules | undefined;
  let pressure: LanePressure | undefined;
  let alarms: readonly DisputeAlarm[] = [];
  let firstOpenBatch = 0;

  const startOf = (epoch: number): number => (epoch === 0 ? 0 : (replica.view.epochs[epoch - 1]?.batchEnd ?? 0));
  const traces = new Traces((epoch) => replica.traceOptions(startOf(epoch), replica.view.epochs[epoch]?.batchEnd ?? startOf(epoch)), options.maxTraces ?? DEFAULT_MAX_TRACES);
  const replica = await openReplica({
    dir: join(dataDir, "replica"),
    deployment,
    snapshotEpochs: true,
    keepFrom: () => firstOpenBatch,
    ...(options.snapshotBatches === undefined ? {} : { snapshotBatches: options.snapshotBatches }),
    onCut: (bytes) => logger.warn({ bytes }, "the end of the L1 log was torn and is cut off"),
    onRollback: (batchCount, blockNumber) => {
      logger.warn({ batchCount, blockNumber }, "L1 was reorganised: the replica went back.");
      traces.clear();
      collected.clear();
    },
    onDivergence: (error) => logger.error({ err: error }, error.message),
    onEvent: ({ type }) => {
      if (type === "claimed" || type === "entered" || type === "epoch") processor.wake("play");
      if (type === "confirmed") processor.wake("collect");
    },
  });
  const source = createL1Source({
    provider, deployment, consumer: replica, cursors: replica.cursors, pollMs: everyMs,
    onError: (error) => {
      if (error instanceof ChainError && error.reaction === "stop") return options.onStop?.(error);
      logger.warn({ err: error }, "L1 cannot be read; tried again.");
    },
    onRecovered: () => logger.info("L1 can be read again."),
  });
  const sources: DisputeSources = {
    provider, contracts, chainId: deployment.chainId, inboxAddress: deployment.contracts.inbox, firstBlock: deployment.blockNumber,
    address, playFor: new Set((options.playFor ?? []).map((backer) => backer.toLowerCase())), replica, moves: new MoveBook(provider, deployment.contracts.game), maxEpochs: options.maxEpochs ?? DEFAULT_MAX_EPOCHS,
  };
  const hasEntry = (claimId: string): boolean =>
    state?.epochs.some(({ round }) => round.entries.some((entry) => entry.isOurs && !entry.isDead && entry.claimId === claimId)) ?? false;
  const manager = createTransactionManager({
    provider, signer, journal: options.journal, abis: ROOT_ABIS,
    ...options.transactions,
    isDone: (intent) => isDone(intent.id, contracts, address, hasEntry),
    fees: { maxFeeCapWei: feeLimits.calmCapWei, ...options.transactions?.fees },
    rules: { maxInFlight: MAX_IN_FLIGHT, ...options.transactions?.rules },
    pressure: () => pressure,
    onAlarm: (alarm) => {
      alarmCount?.inc({ code: alarm.code });
      logger.warn({ err: alarm }, `Transactions are held up: ${alarm.message}`);
    },
    onRecovered: () => logger.info("Transactions go out again."),
    onReorged: (intentId) => logger.warn({ intentId }, "A reorganisation of L1 took a transaction away; it is sent again."),
  });

  /** Brings the replica to the head and reads of that very block. */
  async function atHead<T>(read: (block: BlockRef) => Promise<T>): Promise<T> {
    await source.poll();
    const block = source.head;
    if (block === undefined || source.cursor?.blockHash !== block.hash) throw moved(block?.number ?? 0);
    const isSame = async (): Promise<boolean> => (await blockSourceOf(provider).byNumber(block.number))?.hash === block.hash;
    try {
      const result = await read(block);
      if (!(await isSame())) throw moved(block.number);
      return result;
    } catch (error) {
      throw (await isSame()) ? error : moved(block.number);
    }
  }

  async function ask(call: DisputeCall, block: BlockRef, seen: { nextEpoch: number; creditWei: bigint }): Promise<void> {
    const id = askableId(intentIdOf(call, seen), (intentId) => manager.find(intentId), block.number);
    if (id === undefined) return;
    const { settlement, game } = deployment.contracts;
    const encoded = await encodeCall(call, { settlement, game, address, parts: rules?.parts ?? 2, traceOf: (epoch) => traces.get(epoch) });
    await manager.submit({ id, valueWei: call.valueWei, ...encoded });
    callCount?.inc({ type: call.type });
    logger.info({ intentId: id, deadline: call.deadline === Infinity ? null : call.deadline }, `${call.type} is asked for.`);
    options.onCall?.(call);
  }

  /** One that cannot be made must not keep the others from being made. */
  async function askAll(calls: readonly DisputeCall[], block: BlockRef, seen: { nextEpoch: number; creditWei: bigint }): Promise<void> {
    let failure: unknown;
    for (const call of calls) {
      try {
        await ask(call, block, seen);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async function play(): Promise<void> {
    rules ??= await readRules(sources);
    const known = rules;
    const [seen, block] = await atHead(async (block) => [await readDisputes(sources, known, block), block] as const);
    [state, head] = [seen, block];
    firstOpenBatch = startOf(seen.confirmed.nextEpoch);
    const disputed = seen.epochs.filter(({ round, isMade }) => round.claimCount > (isMade ? 1 : 0));
    traces.keepOnly(new Set(disputed.map(({ epoch }) => epoch)));
    const actions = decide(seen, policy);
    alarms = actions.flatMap((action) => (action.type === "alarm" ? [action.alarm] : []));
    alarms.forEach(tellAlarm);
    forgetPassedAlarms();
    const calls = actions.filter((action) => action.type !== "alarm");
    pressure = decidePressure(timedCalls(calls, known), seen.now, DISPUTE_PRESSURE, feeLimits);
    await askAll(inWorkOrder(calls), block, { nextEpoch: seen.confirmed.nextEpoch, creditWei: 0n });
  }

  function tellAlarm(alarm: DisputeAlarm): void {
    options.onAlarm?.(alarm);
    if (told.has(alarm.detail)) return;
    told.add(alarm.detail);
    alarmCount?.inc({ code: alarm.code });
    const values = Object.fromEntries(Object.entries(alarm.values).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]));
    logger.error({ code: alarm.code, ...values }, `${alarm.detail}.`);
  }

  function forgetPassedAlarms(): void {
    const lasting = new Set(alarms.map(({ detail }) => detail));
    for (const detail of told) if (!lasting.has(detail)) told.delete(detail);
  }

  async function report(): Promise<void> {
    const { evidence } = options;
    if (evidence === undefined) return;
    const [reports, block] = await atHead(async (at) => [await evidence.read(at), at] as const);
    for (const { id: offence, to, data, gasLimit } of reports) {
      const id = nextTryId(`evidence:${offence}`, (intentId) => manager.find(intentId), block.number);
      if (id !== undefined) await manager.submit({ id, to, data, valueWei: 0n, gasLimit });
    }
  }

  async function collect(): Promise<void> {
    await report();
    if (!mayCollect(alarms, pressure !== undefined, state?.baseFeeWei ?? 0n, feeLimits)) return;
    const [due, block] = await atHead(async (block) => [await readDueMoney(sources, collected, block), block] as const);
    await askAll(decideCollection(due), block, { nextEpoch: state?.confirmed.nextEpoch ?? 0, creditWei: due.creditWei });
  }

  const processor = createChallengerProcessor({
    queue, logger,
    tasks: { play, collect },
    everyMs: { play: everyMs, collect: options.collectEveryMs ?? DEFAULT_COLLECT_EVERY_MS },
    onRetry: (_task, { code }) => alarmCount?.inc({ code }),
  });

  const sumOf = (count: (view: DisputeState["epochs"][number]) => number): number => (state?.epochs ?? []).reduce((sum, view) => sum + count(view), 0);
  const rivalsOf = (): number => sumOf(({ round, claimId }) => round.entries.filter((entry) => !entry.isDead && entry.claimId !== claimId).length);
  const gamesOf = (): number => sumOf(({ games }) => games.length);
  metrics?.gauge("games", "Games under way", { read: gamesOf });
  metrics?.gauge("rival_entries", "Live entries of false claims", { read: rivalsOf });
  metrics?.gauge("open_epochs", "Closed epochs that are not confirmed", { read: () => state?.epochs.length ?? 0 });
  metrics?.gauge("transactions_pending", "Transactions under way", { read: () => manager.status().pending });
  metrics?.gauge("derived_batches", "Batches derived from L1", { read: () => replica.batchCount });
  metrics?.gauge("traces", "Traces of epochs in memory", { read: () => traces.count });
  metrics?.gauge("l1_block", "L1 block of the last turn", { read: () => head?.number ?? 0 });

  return {
    async start() {
      await manager.start();
      await processor.start();
      source.start();
    },
    async stop() {
      await processor.stop();
      await source.stop();
      await manager.stop();
      await replica.saveSnapshot();
      replica.close();
    },
    isWell: () => alarms.length === 0 && state !== undefined && [undefined, MOVED].includes(processor.troubleOf("play")),
    wake: (task) => processor.wake(task),
    run: (task) => processor.run(task),
    status: () => {
      const root = replica.rootAt(replica.batchCount);
      return {
        address,
        block: head?.number,
        batchCount: replica.batchCount,
        stateRoot: root === undefined ? undefined : toHex(root),
        confirmedEpochs: state?.confirmed.nextEpoch,
        openEpochs: state?.epochs.length ?? 0,
        games: gamesOf(),
        rivals: rivalsOf(),
        pendingTransactions: manager.status().pending,
        balanceWei: state === undefined ? undefined : String(state.balanceWei),
        alarms: alarms.map(({ detail }) => detail),
      };
    },
    replica,
    manager,
  };
}

function moved(block: number): ChallengerError {
  return new ChallengerError("challenger/moved", { block }, "retry", { what: `L1 moved while block ${block} was read, or the replica has not caught up with it`, todo: "The next turn reads again" });
}
