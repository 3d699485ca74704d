import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { x402Facilitator } from "@x402/core/facilitator";
import { getAddress } from "ethers";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import type { FailoverProvider } from "../../chain/FailoverProvider.ts";
import { isAuthorizationUsed } from "../../chain/tokens/findAuthorization.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import { DEFAULT_FEE_POLICY } from "../../chain/transactions/decideFees.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createStatusServer } from "../../runtime/metrics/createStatusServer.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { FacilitatorConfig } from "./config.ts";
import { createChainWatch } from "./createChainWatch.ts";
import { createFacilitatorServer } from "./createFacilitatorServer.ts";
import { ExactOnL1 } from "./ExactOnL1.ts";
import { FacilitatorError } from "./FacilitatorError.ts";

const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Account 6 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEY = "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e";
const LOCAL_POLL_MS = 25;
const PUBLIC_POLL_MS = 1_000;
/** What is in the chain is still followed until no reorganisation reaches it, at leisure. */
const LOCAL_FOLLOW_MS = 1_000;
const PUBLIC_FOLLOW_MS = 8_000;
const RPC_TIMEOUT_MS = 5_000;
const STOP_MARGIN_MS = 10_000;
const WATCH_MS = 2_000;
const WEI_PER_ETH = 1e18;
const GWEI = 1_000_000_000n;
const NONCE_OF_NOBODY = `0x${"0".repeat(64)}`;

/** The facilitator as one service: lock, journal, transactions, status, intake; stopped in reverse. */
export function createFacilitatorService(config: FacilitatorConfig, logger: Logger): Service {
  return createStagedService({ logger, stopDeadlineMs: config.settleMs + STOP_MARGIN_MS }, async ({ started }) => {
    const provider = await createL1Provider(config.l1Url, undefined, { timeoutMs: RPC_TIMEOUT_MS });
    started("L1", () => provider.destroy());
    const chainId = Number((await provider.getNetwork()).chainId);
    const isLocal = LOCAL_CHAIN_IDS.includes(chainId);
    const assets = await readAssets(config, provider);
    const signer = await loadKey(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const journal = createFileIntentJournal({
      path: join(config.dataDir, `transactions-${chainId}-${signer.address.toLowerCase()}.journal`),
      onCut: (bytes) => logger.warn({ bytes }, "the end of the transaction journal was torn and is cut off"),
    });
    started("journal", () => journal.close());

    const metrics = new Metrics({ service: "facilitator" });
    const transactions = createTransactionManager({
      provider, signer, journal,
      fees: { maxFeeCapWei: BigInt(config.maxFeeGwei) * GWEI },
      rules: { confirmations: config.confirmations },
      pollMs: isLocal ? LOCAL_FOLLOW_MS : PUBLIC_FOLLOW_MS,
      onAlarm: (alarm) => logger.warn({ code: alarm.code, ...alarm.values }, alarm.message),
      onReorged: (id) => logger.warn({ id }, "a payment was taken out of the chain and is sent again"),
    });
    await transactions.start();
    started("transactions", () => transactions.stop());
    const watch = createChainWatch({
      provider, logger,
      address: signer.address,
      minBalanceWei: BigInt(config.minBalanceGwei) * GWEI,
      maxFeeWei: BigInt(config.maxFeeGwei) * GWEI,
      pollMs: WATCH_MS,
    });
    await watch.start();
    started("watch", () => watch.stop());
    const exact = new ExactOnL1({
      provider, transactions,
      pollMs: config.pollMs ?? (isLocal ? LOCAL_POLL_MS : PUBLIC_POLL_MS),
      network: `eip155:${chainId}`,
      address: signer.address,
      clock: systemClock,
      minPriorityFeeWei: DEFAULT_FEE_POLICY.minPriorityFeeWei,
      limits: {
        assets,
        payees: config.payees.map(getAddress),
        minAmount: BigInt(config.minAmount),
        payerPerHour: config.payerPerHour,
        maxPending: config.maxPending,
        settleMs: config.settleMs,
        maxGas: BigInt(config.maxGas),
        maxFeeWei: BigInt(config.maxFeeGwei) * GWEI,
        allowContracts: config.allowContracts,
      },
    });
    metrics.gauge("facilitator_pending", "Payments that are being settled", { read: () => exact.pending });
    metrics.gauge("facilitator_transactions_pending", "Transactions that are not in a block", { read: () => transactions.status().pending });

    metrics.gauge("facilitator_balance_eth", "What is left to pay gas with", { read: () => Number(watch.balanceWei ?? 0n) / WEI_PER_ETH });

    const status = () => ({ alarms: watch.alarms, chainId, account: signer.address, assets, pending: exact.pending, transactions: transactions.status() });
    const isWell = (): boolean => watch.alarms.length === 0;
    const statusServer = createStatusServer({ host: config.statusHost, port: config.statusPort, metrics, logger, status, isWell });
    started("status", () => statusServer.close());
    const statusPort = await statusServer.listen();
    const server = createFacilitatorServer({
      host: config.host, port: config.port, metrics, logger,
      facilitator: new x402Facilitator().register(`eip155:${chainId}`, exact),
      isReady: isWell,
      rateLimit: config.rateLimit,
      maxConnections: config.maxConnections,
      drainMs: config.settleMs,
    });
    started("intake", () => server.close());
    const port = await server.listen();
    logger.info({ url: `http://${config.host}:${port}`, status: `http://${config.statusHost}:${statusPort}`, chainId, account: signer.address, assets }, "the facilitator settles");
  });
}

/** @throws FacilitatorError `facilitator/no-asset`, `facilitator/bad-asset` */
async function readAssets(config: FacilitatorConfig, provider: FailoverProvider): Promise<string[]> {
  const named = config.assets.length > 0 ? config.assets : [loadDeployment(JSON.parse(await readFile(config.deployment, "utf8"))).contracts.testDollar];
  const assets = named.filter((asset) => asset !== undefined).map(getAddress);
  if (assets.length === 0) throw new FacilitatorError("facilitator/no-asset", {}, { reaction: "stop" });
  for (const asset of assets) {
    try {
      await isAuthorizationUsed(provider, asset, asset, NONCE_OF_NOBODY);
    } catch (error) {
      if (toChainError(error).code === "L1_UNREACHABLE") throw error;
      throw new FacilitatorError("facilitator/bad-asset", { asset }, { cause: error, reaction: "stop" });
    }
  }
  return assets;
}

async function loadKey(config: FacilitatorConfig, isLocal: boolean, logger: Logger): Promise<KeySigner> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress } = config;
  const isConfigured = keystoreFile !== undefined || signerUrl !== undefined;
  const plainKey = config.plainKey ?? (isLocal && !isConfigured ? LOCAL_TEST_KEY : undefined);
  return await loadSigner({ keystoreFile, passwordFile, externalUrl: signerUrl, externalAddress: signerAddress, plainKey, allowPlainKey: isLocal }, logger);
}
