import type { JsonRpcApiProvider, Signer } from "ethers";

import type { ChainError } from "../../../chain/ChainError.ts";
import { ROOT_ABIS, connectContracts, connectSequencerSet } from "../../../chain/connectContracts.ts";
import type { Deployment } from "../../../chain/Deployment.ts";
import { blockSourceOf } from "../../../chain/HeadWatcher.ts";
import type { FeePolicy } from "../../../chain/transactions/decideFees.ts";
import type { LaneRules } from "../../../chain/transactions/decideLane.ts";
import type { Intent, IntentJournal } from "../../../chain/transactions/intent.ts";
import type { TransactionKey } from "../../../chain/transactions/TransactionSigner.ts";
import { createTransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Metrics } from "../../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../../runtime/queue/WakeQueue.ts";
import { createL1Processor } from "../processor.ts";
import type { L1Task } from "../processor.ts";
import { ClaimProposer } from "./ClaimProposer.ts";
import { createNewsWatch } from "./createNewsWatch.ts";
import type { ClaimAlarm } from "./decideClaims.ts";
import { EntryFeed } from "./EntryFeed.ts";
import { batchIntentId, purposeOf } from "./intentIds.ts";
import { Poster } from "./Poster.ts";
import type { EntryConsumer, EpochRoots, SealedBatches } from "./ports.ts";

export interface L1SideLimits {
  /** Batches under way at once. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  /** Blocks that must stand on an entry before it is executed. */
  readonly depth: number;
  readonly rangeBlocks: number;
  /** How often each task looks without being woken. */
  readonly everyMs: number;
  readonly maxOpenClaims: number;
  readonly marginSeconds: number;
  /** Claim, confirm and close epochs. Off: only post and feed. */
  readonly isClaiming: boolean;
}

export const DEFAULT_L1_LIMITS: L1SideLimits = {
  maxInFlight: 8,
  maxInFlightBytes: 1 << 20,
  depth: 2,
  rangeBlocks: 1_000,
  everyMs: 1_000,
  maxOpenClaims: 8,
  marginSeconds: 2,
  isClaiming: true,
};

export interface L1SideOptions {
  readonly provider: JsonRpcApiProvider;
  readonly deployment: Deployment;
  /** Posts, claims and holds the bonds; nobody else may use the account. */
  readonly signer: Signer | TransactionKey;
  readonly journal: IntentJournal;
  readonly sealed: SealedBatches;
  readonly roots: EpochRoots;
  readonly entries: EntryConsumer;
  /** A queue of its own, e.g. `backend.queue("l1")`. The caller closes it after `stop`. */
  readonly queue: WakeQueue;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly limits?: Partial<L1SideLimits>;
  /** May move for this account's claims in disputes, e.g. its challenger's key. Default: nobody else. */
  readonly claimMover?: string | undefined;
  /** L1 and the log contradict each other; take no more bundles. */
  readonly onStop: (error: Error) => void;
  /** For local chains: poll and bump faster. */
  readonly transactions?: { readonly pollMs?: number; readonly rules?: Partial<LaneRules>; readonly fees?: Partial<FeePolicy>; readonly minBalanceWei?: bigint };
}

export interface L1SideStatus {
  readonly sealedBatches: number;
  /** Batches on L1, as last seen. */
  readonly postedBatches: number;
  readonly pendingTransactions: number;
  readonly epochCount: number | undefined;
  readonly confirmedEpochs: number | undefined;
  readonly queuedEntries: number;
  /** From this time on an entry may be due that is not handed over yet: no batch may reach it. 0 before the first look. */
  readonly l2TimeEnd: number;
  /** Rivals of our open claims. */
  readonly rivalClaims: number;
}

export interface L1Side {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** "post" when a batch was sealed, "claim" when a root was computed. Everything is looked at regularly anyway. */
  wake(task: L1Task): void;
  /** Runs a task once, now. */
  run(task: L1Task): Promise<void>;
  status(): L1SideStatus;
  readonly manager: TransactionManager;
}

/** For the feed the chain's time stands until it looks; claims ripen with time; what is to be posted is news itself. */
const READ_AGAIN_MS: Readonly<Record<L1Task, number>> = { feed: 1_000, claim: 2_000, post: 5_000 };

/** The sequencer's L1 side: entries in, batches and claims out. Everything it knows it reads anew from L1, the log and the journal. */
export async function createL1Side(options: L1SideOptions): Promise<L1Side> {
  const { provider, deployment, signer, sealed, roots, logger, metrics } = options;
  const limits: L1SideLimits = { ...DEFAULT_L1_LIMITS, ...options.limits };
  const contracts = connectContracts(deployment, provider);
  const { inbox: inboxAddress, settlement: settlementAddress } = deployment.contracts;
  const address = "getAddress" in signer ? await signer.getAddress() : signer.address;
  const alarms = metrics?.counter("l1_alarms_total", "Alarms of the L1 side", ["code"]);
  const toldRivals = new Map<number, string>();
  let rivalClaims = 0;

  /** Whether the effect is there although none of our transactions is known to have had it. */
  async function isDone(intent: Intent): Promise<boolean> {
    const purpose = purposeOf(intent.id);
    switch (purpose?.type) {
      case "batch":
        return await poster.isPosted(purpose.index);
      case "claim":
        return (await contracts.settlement.claims(purpose.claimId)).live > 0n;
      case "confirm":
        return (await contracts.settlement.claims(purpose.claimId)).confirmedAt > 0n;
      case "release":
        return (await contracts.settlement.entries(purpose.roundId, purpose.n)).bondWei === 0n;
      case "credit":
        return (await contracts.settlement.credit(address)) === 0n;
      case "close":
        return (await contracts.inbox.epochCount()) > BigInt(purpose.epoch);
      case undefined:
        return false;
    }
  }

  const loadData = async (intent: Intent): Promise<string> => {
    const purpose = purposeOf(intent.id);
    return purpose?.type === "batch" ? await poster.calldataOf(purpose.index) : "0x";
  };

  const manager = createTransactionManager({
    provider,
    signer,
    journal: options.journal,
    isDone,
    loadData,
    abis: ROOT_ABIS,
    ...options.transactions,
    rules: { maxInFlight: limits.maxInFlight + 2 * limits.maxOpenClaims, ...options.transactions?.rules },
    onAlarm: (alarm: ChainError) => {
      alarms?.inc({ code: alarm.code });
      logger.warn({ err: alarm }, `Transactions are held up: ${alarm.message}`);
    },
    onRecovered: () => logger.info("Transactions go out again."),
    onReorged: (intentId) => logger.warn({ intentId }, "A reorganisation of L1 took a transaction away; it is sent again."),
  });

  function onClaimAlarm(alarm: ClaimAlarm): void {
    rivalClaims += alarm.code === "l1/rival-claim" ? alarm.rivals : 0;
    const shown = `${alarm.code} ${alarm.rivals}`;
    if (toldRivals.get(alarm.epoch) === shown) return;
    toldRivals.set(alarm.epoch, shown);
    alarms?.inc({ code: alarm.code });
    const what = alarm.code === "l1/rival-claim" ? "Somebody claims another root" : "Claims were made without ours, and the round is closed";
    logger.error({ ...alarm }, `${what} for epoch ${alarm.epoch}.`);
  }

  const account = { provider, contracts, inboxAddress, address };
  const poster = new Poster({ ...account, manager, sealed, limits, set: connectSequencerSet(deployment, provider) });
  const feed = new EntryFeed({ ...account, firstBlock: deployment.blockNumber, depth: limits.depth, rangeBlocks: limits.rangeBlocks, consumer: options.entries });
  const proposer = new ClaimProposer({
    ...account,
    chainId: deployment.chainId,
    settlementAddress,
    mover: options.claimMover ?? address,
    manager,
    sealed,
    roots,
    checked: poster,
    limits,
    onAlarm: onClaimAlarm,
  });

  let toldMissing = false;
  /** Each tells whether it left nothing to be done until something changes. */
  const tasks: Record<L1Task, () => Promise<boolean>> = {
    post: async () => {
      const actions = await poster.turn();
      if (actions.some((action) => action.type === "wait" && action.reason === "chaining")) processor.wake("post");
      for (const action of actions) if (action.type === "submit") wakeWhenLanded(batchIntentId(action.index));
      return actions.length === 0;
    },
    claim: async () => {
      if (!limits.isClaiming) return true;
      rivalClaims = 0;
      return (await proposer.turn()).length === 0;
    },
    feed: async () => {
      await feed.turn();
      const isMissing = feed.status.missing > 0;
      if (isMissing && !toldMissing) {
        alarms?.inc({ code: "l1/entries-missing" });
        logger.error({ missing: feed.status.missing }, "Entries that were executed are gone from L1; posting waits until they are back.");
      }
      toldMissing = isMissing;
      return !isMissing;
    },
  };
  const news = createNewsWatch<L1Task>({
    latest: () => blockSourceOf(provider).latest(),
    readAgainMs: READ_AGAIN_MS,
    own: () => [sealed.count(), poster.batchCount, poster.checkedCount(), options.entries.nextEntry(), ...Object.values(manager.status())].join(" "),
  });

  /** A batch that has landed makes room for another: that one does not wait for the next regular look. */
  function wakeWhenLanded(intentId: string): void {
    const stopped = (): void => undefined;
    manager.wait(intentId).then(() => processor.wake("post"), stopped);
  }

  const processor = createL1Processor({
    queue: options.queue,
    tasks: { post: () => news.read("post", tasks.post), claim: () => news.read("claim", tasks.claim), feed: () => news.read("feed", tasks.feed) },
    everyMs: limits.everyMs,
    isDue: (task) => news.isThereFor(task),
    logger,
    onStop: options.onStop,
    onRetry: (_task, { code }) => alarms?.inc({ code }),
  });

  metrics?.gauge("l1_batches_sealed", "Batches sealed", { read: () => sealed.count() });
  metrics?.gauge("l1_batches_posted", "Batches on L1", { read: () => poster.batchCount });
  metrics?.gauge("l1_transactions_pending", "Transactions under way", { read: () => manager.status().pending });
  metrics?.gauge("l1_rival_claims", "Live claims of other roots for epochs that we claim", { read: () => rivalClaims });
  metrics?.gauge("l1_entries_missing", "Executed entries that L1 does not have", { read: () => feed.status.missing });

  return {
    async start() {
      await manager.start();
      await processor.start();
    },
    async stop() {
      await processor.stop();
      await manager.stop();
    },
    wake: (task) => processor.wake(task),
    run: async (task) => void (await tasks[task]()),
    status: () => ({
      sealedBatches: sealed.count(),
      postedBatches: poster.batchCount,
      pendingTransactions: manager.status().pending,
      epochCount: proposer.state?.openEpoch.epoch,
      confirmedEpochs: proposer.state?.confirmed.nextEpoch,
      queuedEntries: feed.status.queued,
      l2TimeEnd: feed.status.l2TimeEnd,
      rivalClaims,
    }),
    manager,
  };
}
