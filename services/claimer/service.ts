import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ChainError } from "../../chain/ChainError.ts";
import { connectContracts, ROOT_ABIS } from "../../chain/connectContracts.ts";
import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { pollingLoop } from "../../chain/pollingLoop.ts";
import type { PollingLoop } from "../../chain/pollingLoop.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionManager } from "../../chain/transactions/TransactionManager.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { Replica } from "../../derivation/Replica.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createService } from "../../runtime/lifecycle/createService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import { ServiceGroup } from "../../runtime/lifecycle/ServiceGroup.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { ClaimerConfig } from "./config.ts";
import { decideClaims } from "./decideClaims.ts";
import { intentOf } from "./intentOf.ts";
import { readFacts } from "./readFacts.ts";

/** @throws ChainError `DEPLOYMENT_INVALID` */
function readDeployment(path: string): Deployment {
  try {
    return loadDeployment(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (error instanceof ChainError) throw error;
    throw new ChainError("DEPLOYMENT_INVALID", `${path} cannot be read (${toError(error).message})`, { path }, error);
  }
}

/**
 * Derives the state from L1 alone, and stands up for it there: closes epochs that are old enough, claims their state, confirms
 * claims after their window. Anyone may run one; it never claims what it has not computed itself.
 */
export function createClaimerService(config: ClaimerConfig, logger: Logger): Service {
  let source: L1Source | undefined;
  let manager: TransactionManager | undefined;
  let loop: PollingLoop | undefined;
  let release: (() => Promise<void>) | undefined;

  async function open(): Promise<void> {
    const deployment = readDeployment(config.deployment);
    const { plainKey, allowPlainKey, keystoreFile, passwordFile, externalSignerUrl } = config;
    const signer = await loadSigner({ plainKey, allowPlainKey, keystoreFile, passwordFile, externalUrl: externalSignerUrl }, logger);
    const provider = await createL1Provider(config.l1Url, deployment.chainId);
    await verifyDeployment(provider, deployment);
    const lock = lockDataDir(config.dataDir);
    const replica = new Replica({
      dir: join(config.dataDir, "replica"),
      deployment,
      onCut: (bytes) => logger.warn({ bytes }, "The end of the log was torn by a crash and was cut off; it is read from L1 again."),
      onDivergence: (error) => logger.error({ err: error }, "Somebody claims a root that L1's data do not give."),
    });
    await replica.resume();
    source = createL1Source({
      provider,
      deployment,
      consumer: replica,
      cursors: replica.cursors,
      depth: config.depth,
      pollMs: config.pollMs,
      onError: (error) => logger.warn({ err: toError(error) }, "L1 cannot be read."),
    });
    const journal = createFileIntentJournal({ path: join(config.dataDir, "transactions.log"), onCut: (bytes) => logger.warn({ bytes }, "A torn entry was cut off the journal.") });
    manager = createTransactionManager({
      provider,
      signer,
      journal,
      abis: ROOT_ABIS,
      pollMs: config.pollMs,
      onAlarm: (alarm) => logger.warn({ err: alarm }, alarm.message),
    });
    const sources = { replica, provider, deployment, contracts: connectContracts(deployment, provider), self: signer.address, epochAgeSeconds: Number(deployment.config["epochAgeSeconds"] ?? 0) };
    const { submit, wait } = manager;
    loop = pollingLoop({
      pollMs: config.pollMs,
      onError: (error) => logger.warn({ err: toError(error) }, "A turn failed; the next one looks again."),
      turn: async () => {
        // Everything is decided anew from what L1 says now; one action after the other, since each changes that.
        const [action] = decideClaims(await readFacts(sources));
        if (action === undefined) return;
        const intent = await intentOf(action, sources);
        await submit(intent);
        const outcome = await wait(intent.id);
        const level = outcome.status === "confirmed" || outcome.status === "done-elsewhere" ? "info" : "warn";
        logger[level]({ intent: intent.id, status: outcome.status, error: outcome.error?.message }, `${intent.id}: ${outcome.status}`);
        loop?.wake();
      },
    });
    release = async () => {
      await replica.saveSnapshot();
      replica.close();
      await journal.close();
      lock.release();
      provider.destroy();
    };
  }

  const group = new ServiceGroup();
  group.add("stores", "replica", createService({ start: open, stop: () => release?.() }));
  group.add("transactions", "transactions", createService({ start: () => manager?.start(), stop: () => manager?.stop() }));
  group.add("workers", "L1 source", createService({ start: () => source?.start(), stop: () => source?.stop() }));
  group.add("workers", "claims", createService({ start: () => loop?.start(), stop: () => stopLoop() }));

  async function stopLoop(): Promise<void> {
    // A turn may be waiting for a transaction, which the manager gives up when it stops.
    const stopping = loop?.stop();
    await manager?.stop();
    await stopping;
  }
  return group;
}
