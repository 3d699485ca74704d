import { join } from "node:path";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import type { TransactionKey } from "../../chain/transactions/TransactionSigner.ts";
import { entryHash } from "../../core/codec/batch.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { genesisRoot } from "../../derivation/stateRoot.ts";
import type { Staging } from "../../runtime/lifecycle/createStagedService.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import { createQueueBackend } from "../../runtime/queue/createQueueBackend.ts";
import type { SequencerConfig } from "./config.ts";
import type { Core } from "./Core.ts";
import { DATA } from "./dataFiles.ts";
import { AccumulatorFile } from "./l1/AccumulatorFile.ts";
import { createL1Side } from "./l1/createL1Side.ts";
import { FeedMarks } from "./l1/FeedMarks.ts";
import type { L1Side } from "./l1/createL1Side.ts";

/** Blocks on top of an entry on a public chain. */
const PUBLIC_DEPTH = 64;

export interface ConnectOptions {
  readonly config: SequencerConfig;
  readonly deployment: Deployment;
  readonly core: Core;
  readonly key: TransactionKey;
  readonly isLocal: boolean;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly staging: Staging;
}

/** Starts the L1 side with what it lives on: endpoints, the queue for its wake-ups, and its journal of transactions. */
export async function connectL1(options: ConnectOptions): Promise<L1Side> {
  const { config, deployment, core, key, isLocal, logger, metrics, staging } = options;
  const { started, fail } = staging;
  const { pipeline, sealed } = core;
  const provider = await createL1Provider(config.l1Url, deployment.chainId);
  started("L1", () => provider.destroy());
  const backend = await createQueueBackend({ url: config.queueUrl, dataFolder: join(config.dataDir, "queue"), namespace: `sequencer_${deployment.contracts.inbox.toLowerCase()}`, logger });
  started("queue", () => backend.close());
  const journal = createFileIntentJournal({ path: join(config.dataDir, DATA.transactions), onCut: (bytes) => logger.warn({ bytes }, "the end of the transaction journal was torn and is cut off") });
  started("journal", () => journal.close());
  const queue = backend.queue("l1");
  const accumulators = new AccumulatorFile(join(config.dataDir, DATA.accumulators));
  started("accumulators", () => accumulators.close());
  const marks = new FeedMarks(join(config.dataDir, DATA.feed));
  const side = await createL1Side({
    provider,
    deployment,
    signer: key,
    journal,
    queue,
    logger,
    metrics,
    sealed: {
      accumulators,
      count: () => sealed.count,
      read: async (index) => {
        const batch = sealed.get(index);
        if (batch === undefined) throw new RangeError(`batch ${index} is not sealed`);
        const { start, data } = sealed.contentOf(batch);
        return { ...batch, data, entryHashes: start.entries.map(entryHash) };
      },
    },
    roots: { rootAt: (count) => (count === 0 ? genesisRoot() : sealed.get(count - 1)?.stateRoot) },
    entries: {
      nextEntry: () => pipeline.nextEntry,
      onTimeLimit: (l2TimeEnd) => pipeline.limitTime(l2TimeEnd),
      resumeBlock: () => marks.resumeBlock(pipeline.nextEntry),
      onEntries: async (entries) => {
        pipeline.addEntries(entries.map(({ entry }) => ({ index: entry.index, entry })));
        await marks.note(entries.map(({ entry, blockNumber }) => ({ index: entry.index, blockNumber })));
      },
    },
    limits: { depth: config.depth ?? (isLocal ? 0 : PUBLIC_DEPTH), everyMs: config.pollMs, isClaiming: config.claiming },
    claimMover: config.claimMover,
    onStop: fail,
    ...(isLocal ? { transactions: { pollMs: 200 } } : {}),
  });
  // Until L1 was looked at, time stands.
  if (pipeline.l2Time > 0) pipeline.limitTime(pipeline.l2Time + 1);
  started("L1 side", () => side.stop());
  await side.start();
  sealed.onAdded = () => side.wake("post");
  return side;
}
