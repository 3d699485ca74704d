import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { toError } from "../runtime/errors/CodedError.ts";
import { lockDataDir } from "../runtime/files/lockDataDir.ts";
import { createStagedService } from "../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../runtime/lifecycle/Service.ts";
import type { Staging } from "../runtime/lifecycle/createStagedService.ts";
import type { Logger } from "../runtime/logger/Logger.ts";
import { createStatusServer } from "../runtime/metrics/createStatusServer.ts";
import type { ChannelNotice } from "../sdk/node/index.ts";
import type { SidecarConfig } from "./config.ts";
import { createDoor } from "./door/createDoor.ts";
import type { Door } from "./door/createDoor.ts";
import { createAttestations } from "./gate/AnswerHeaders.ts";
import { createGate } from "./gate/createGate.ts";
import type { RunningGate } from "./gate/createGate.ts";
import { Identity } from "./identity/Identity.ts";
import type { IdentityFacts, SelfDescription } from "./identity/Identity.ts";
import { IdentityJournal } from "./identity/IdentityJournal.ts";
import type { IdentityProgress } from "./identity/IdentityProgress.ts";
import { openChain } from "./identity/openChain.ts";
import type { OpenChain } from "./identity/openChain.ts";
import { createLedger } from "./ledger/createLedger.ts";
import type { Ledger } from "./ledger/Ledger.ts";
import type { LedgerTotal } from "./ledger/LedgerRow.ts";
import type { Buyer, BuyerEvent, PromotionEvent } from "./outbound/index.ts";
import { PriceBook } from "./pricing/PriceBook.ts";
import { tokensOf } from "./pricing/pricingSchema.ts";
import type { PricingDocument } from "./pricing/pricingSchema.ts";
import { RouteTable } from "./pricing/RouteTable.ts";
import { findAgent } from "./process/findAgent.ts";
import { openPricing, withOwnRoutes } from "./process/openPricing.ts";
import { Readiness } from "./process/Readiness.ts";
import type { ReadinessReport } from "./process/Readiness.ts";
import { ownRoutes, selfDescription, SelfSite } from "./process/SelfSite.ts";
import type { SelfFacts } from "./process/describeSelf.ts";
import { SidecarMetrics } from "./process/SidecarMetrics.ts";
import { sessionAttester } from "./process/sessionAttester.ts";
import { startBuying } from "./process/startBuying.ts";
import type { Buying } from "./process/startBuying.ts";
import { TokenBook } from "./process/TokenBook.ts";
import { Ways } from "./process/Ways.ts";
import type { WayName } from "./ways/Way.ts";
import { freePort } from "./process/freePort.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const STOP_MS = 15_000;

/** What happens in a sidecar, for whoever watches it. */
export type SidecarEvent =
  | { readonly kind: "identity"; readonly progress: IdentityProgress }
  /** Everything that was asked for is done. */
  | { readonly kind: "ready" }
  | { readonly kind: "channel"; readonly notice: ChannelNotice }
  | { readonly kind: "bought"; readonly event: BuyerEvent }
  /** A channel to a seller that is paid often was opened, filled or closed. */
  | { readonly kind: "promotion"; readonly event: PromotionEvent }
  | { readonly kind: "prices" };

export interface SidecarOptions {
  readonly config: SidecarConfig;
  readonly logger: Logger;
  readonly onEvent?: (event: SidecarEvent) => void;
}

/** A running sidecar; what is asked of it before its start throws. */
export interface Sidecar extends Service {
  /** Where the door listens; undefined without an upstream. */
  readonly url: string | undefined;
  readonly adminPort: number;
  readonly gatewayPort: number | undefined;
  readonly proxyPort: number | undefined;
  readonly facts: IdentityFacts;
  /** For middleware in this process; undefined when nothing is sold. */
  readonly gate: RunningGate | undefined;
  readonly buyer: Buyer;
  readonly chain: OpenChain;
  /** What came in, by way and asset; and by payer. */
  totals(): readonly LedgerTotal[];
  readiness(): ReadinessReport;
  /** Resolves when the first start is done; rejects when it cannot be. */
  whenReady(): Promise<void>;
  /** Takes other prices from now on; those before stay good for a while. @throws PricingError, ConfigError: then nothing has changed */
  replacePrices(config: SidecarConfig): Promise<void>;
}

interface Parts {
  readonly chain: OpenChain;
  readonly metrics: SidecarMetrics;
  readonly tokens: TokenBook;
  readonly ways: Ways;
  readonly readiness: Readiness;
  readonly adminPort: number;
  /** Of the door. */
  readonly port: number;
  ledger?: Ledger;
  gate?: RunningGate;
  prices?: PriceBook;
  pricing?: PricingDocument;
  site?: SelfSite;
  door?: Door;
  identity?: Identity;
  buying?: Buying;
  /** Door, gateway and proxy, as far as they are asked for. */
  isListening?: boolean;
}

/**
 * The sidecar as one service: door, gate, ledger, ways, identity and purse, started in order and stopped in reverse. Health is there at
 * once and the door as soon as there is a price list; what needs funds or the chain is offered as it comes up.
 */
export function createSidecar({ config, logger, onEvent = () => undefined }: SidecarOptions): Sidecar {
  const { settings } = config;
  const ready = Promise.withResolvers<void>();
  // Who does not wait for it hears of a failure by the end of the service.
  ready.promise.catch(() => undefined);
  /** Door, gateway and proxy listen, as far as they are asked for. */
  const listening = Promise.withResolvers<void>();
  let parts: Parts | undefined;
  let isDraining = false;

  function started(): Parts {
    if (parts === undefined) throw new TypeError("The sidecar has not started.");
    return parts;
  }

  function selfFacts(facts: IdentityFacts): SelfFacts {
    const { chain, ways, tokens, pricing } = started();
    return {
      settings, pricing: pricing!, facts, chain: chain.chain, identityRegistry: chain.economy.contracts.identityRegistry, baseUrl: publicUrl(), ways: ways.names,
      decimalsOf: (token) => tokens.get(token)?.decimals ?? 0, channelPeer: settings.channelAddress,
    };
  }

  function publicUrl(): string {
    const { publicUrl: named, host, tlsCert } = settings;
    const own = parts?.port ?? settings.port;
    return named ?? `${tlsCert === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host === "0.0.0.0" ? "127.0.0.1" : host}:${own}`;
  }

  /** The list with the agent's own endpoints, compiled. */
  async function tableOf(pricing: PricingDocument): Promise<RouteTable> {
    const { tokens, chain, site } = started();
    await tokens.learn(tokensOf(pricing));
    const { asset } = chain.chain;
    const document = site === undefined ? pricing : withOwnRoutes(pricing, ownRoutes({ ...selfFacts(currentFacts()), pricing }));
    return new RouteTable(document, { chain: { asset: asset.address ?? ZERO_ADDRESS, decimals: asset.decimals }, decimalsOf: (token) => tokens.get(token)?.decimals });
  }

  function currentFacts(): IdentityFacts {
    const { identity, chain } = started();
    return identity?.facts ?? { address: chain.key.address, agentId: undefined, accountIndex: undefined };
  }

  async function start(staging: Staging): Promise<void> {
    const lock = lockDataDir(settings.dataDir);
    staging.started("lock of the data folder", () => lock.release());
    const pricing = openPricing(config);
    const metrics = new SidecarMetrics();
    const status = createStatusServer({
      host: settings.adminHost, port: settings.adminPort, metrics: metrics.metrics, logger,
      isWell: () => true,
      status: () => ({ alarms: parts?.readiness.report().problems ?? ["it is starting"], ...(parts === undefined ? {} : describeStatus()) }),
      gets: { "/ready": () => readyPage(parts?.readiness.report()) },
    });
    const adminPort = await status.listen();
    staging.started("status", () => status.close());
    const chain = await openChain(settings);
    staging.started("chain", () => chain.close());
    const tokens = await TokenBook.open(settings.dataDir, chain.economy.chainId, chain.provider);
    const ledger = pricing === undefined ? undefined : createLedger(join(settings.dataDir, "ledger"), { keepAnswerBytes: settings.keepAnswerBytes, keepSeconds: settings.keepSeconds, minFreeBytes: settings.minFreeDiskMb * 2 ** 20 });
    if (ledger !== undefined) staging.started("ledger", () => ledger.close());
    if (pricing !== undefined) await tokens.learn(tokensOf(pricing));
    const ways = new Ways({
      settings, chain, ledger, tokens: pricing === undefined ? [] : tokensOf(pricing), logger,
      onNotice: (notice) => {
        if (notice.kind === "trouble") logger.warn({ err: notice.error, channelId: notice.channelId }, "Trouble with a channel.");
        onEvent({ kind: "channel", notice });
      },
      onUp: (name) => cameUp(name),
    });
    const readiness = new Readiness({
      settings, provider: chain.provider, ways: ways.late, isDraining: () => isDraining, isListening: () => parts?.isListening === true,
      missingSteps: () => parts?.identity?.missing ?? [], canClaim: () => ledger?.canClaim ?? true,
    });
    const own: Parts = { chain, metrics, tokens, ways, readiness, adminPort, port: settings.port === 0 ? await freePort(settings.host) : settings.port, ...(ledger === undefined ? {} : { ledger }), ...(pricing === undefined ? {} : { pricing }) };
    parts = own;
    staging.started("ways", () => ways.stop());
    await ways.start();
    await startIdentity(staging, own);
    if (ledger !== undefined && pricing !== undefined) await startSelling(staging, own, ledger, pricing);
    await startPurse(staging, own);
    metrics.gauges = {
      running: () => own.door?.running ?? 0, connections: () => own.door?.connections ?? 0, upstreamConnections: () => own.door?.upstreamConnections ?? 0,
      channels: () => ways.channels?.channels.length ?? 0, tasks: () => own.site?.running ?? 0, ready: () => Number(readiness.report().ready), buying: () => own.buying?.buyer.inFlight ?? 0,
      ledgerRows: () => ledger?.totals().filter(({ payer }) => payer === undefined).reduce((sum, { count }) => sum + count, 0) ?? 0,
    };
    await readiness.start();
    staging.started("readiness", () => readiness.stop());
    runIdentity(staging, own);
    await openDoor(staging, own);
    own.isListening = true;
    listening.resolve();
  }

  function describeStatus(): Record<string, unknown> {
    const { address, agentId, accountIndex } = currentFacts();
    const report = started().readiness.report();
    return { ...report, address, agentId: agentId === undefined ? null : String(agentId), account: accountIndex ?? null, url: parts?.door === undefined ? null : publicUrl(), running: parts?.door?.running ?? 0 };
  }

  async function startSelling(staging: Staging, own: Parts, ledger: Ledger, pricing: PricingDocument): Promise<void> {
    if (settings.upstream !== undefined && !settings.upstream.startsWith("unix:")) {
      const site = new SelfSite({ settings, signer: own.chain.key.connectL1(own.chain.provider), owner: { address: own.chain.key.address, chainId: own.chain.economy.chainId }, logger });
      await site.start();
      staging.started("card and tasks", () => site.stop());
      own.site = site;
    }
    own.prices = new PriceBook(await tableOf(pricing));
    const gate = createGate({
      ways: own.ways.late, prices: own.prices, ledger, log: logger, baseUrl: publicUrl(), metrics: own.metrics.gate,
      answerHeaders: createAttestations({ chainId: own.chain.economy.chainId, signer: await sessionAttester(own.identity!.session) }),
      limits: { hashBodyBytes: settings.hashBodyBytes, repeatWaitMs: settings.repeatWaitMs, maxExchanges: Math.max(settings.maxRunning, 1), maxExchangesPerAddress: settings.maxRunningPerAddress },
    });
    gate.start();
    staging.started("gate", () => gate.stop());
    own.gate = gate;
  }

  /** What an earlier process left open by this way can be found out now: sold, and bought. */
  function cameUp(way: WayName): void {
    parts?.gate?.sweepSoon();
    if (way === "channel") parts?.buying?.buyer.settle().catch((error: unknown) => logger.warn({ err: toError(error) }, "What became of payments on channels could not be found out; it is tried again."));
  }

  async function startIdentity(staging: Staging, own: Parts): Promise<void> {
    const { chain } = own;
    const journal = await IdentityJournal.open(settings.dataDir, { chainId: chain.economy.chainId, inbox: chain.chain.contracts.inbox, address: chain.key.address });
    const describe: SelfDescription = selfDescription(settings, selfFacts);
    // A buyer needs money and a key to spend it; what it is called and what it costs nobody asks.
    const steps = own.pricing === undefined || settings.upstream === undefined ? settings.identity.filter((step) => step === "account" || step === "session") : settings.identity;
    const identity = new Identity({
      settings: { ...settings, identity: steps }, ...chain, journal, describe, logger,
      onProgress: (progress) => {
        if (progress.kind === "trouble") logger.warn({ err: progress.error }, "The first start waits.");
        if (progress.kind === "done") facts(own);
        onEvent({ kind: "identity", progress });
      },
    });
    own.identity = identity;
    staging.started("identity", () => identity.stop());
  }

  /** What the chains say of this agent has changed. */
  function facts(own: Parts): void {
    if (own.identity?.facts.accountIndex !== undefined) own.ways.accountIsOpen();
    showSelf(own);
  }

  function showSelf(own: Parts): void {
    if (own.site === undefined) return;
    own.site.show(selfFacts(currentFacts())).catch((error: unknown) => logger.error({ err: toError(error) }, "The card cannot be made."));
  }

  function runIdentity(staging: Staging, own: Parts): void {
    const identity = own.identity!;
    identity.start().then(
      () => {
        facts(own);
        void Promise.all([own.readiness.look(), listening.promise]).then(() => {
          ready.resolve();
          onEvent({ kind: "ready" });
        });
      },
      (thrown: unknown) => {
        const error = toError(thrown);
        ready.reject(error);
        if (!identity.isStopped) staging.fail(error);
      },
    );
    facts(own);
  }

  async function startPurse(staging: Staging, own: Parts): Promise<void> {
    const buying = await startBuying({
      settings, chain: own.chain, tokens: own.tokens, channels: () => own.ways.channels,
      resolve: (agentId) => findAgent(agentId, own.chain, settings, logger),
      onEvent: (event) => {
        own.metrics.bought(event.kind);
        onEvent({ kind: "bought", event });
      },
      onPromotion: (event) => onEvent({ kind: "promotion", event }),
    });
    own.buying = buying;
    staging.started("purse", () => buying.stop());
  }

  async function openDoor(staging: Staging, own: Parts): Promise<void> {
    const { gate, site } = own;
    if (gate === undefined || settings.upstream === undefined) return;
    const { maxHeaderBytes, headerMs, bodyIdleMs, holdMs, maxConnections, maxRunning, maxRunningPerAddress, tlsCert, tlsKey, host, drainMs } = settings;
    const tls = tlsCert === undefined || tlsKey === undefined ? undefined : { cert: await readFile(tlsCert, "utf8"), key: await readFile(tlsKey, "utf8") };
    const door = createDoor({
      gate, upstream: settings.upstream, tls, log: logger, metrics: own.metrics.door,
      side: site === undefined ? undefined : { upstream: site.upstream, handles: (head) => site.handles(head) },
      limits: { headerBytes: maxHeaderBytes, headerMs, bodyIdleMs, holdMs, connections: maxConnections, running: maxRunning, runningPerAddress: maxRunningPerAddress },
    });
    await door.listen(host, own.port);
    own.door = door;
    staging.started("door", async () => {
      isDraining = true;
      await door.drain(drainMs);
    });
  }

  const service = createStagedService({ logger, stopDeadlineMs: settings.drainMs + STOP_MS }, start);
  return {
    start: () => service.start(),
    stop(reason) {
      isDraining = true;
      return service.stop(reason);
    },
    stopped: service.stopped,
    get url() {
      return parts?.door === undefined ? undefined : publicUrl();
    },
    get adminPort() {
      return started().adminPort;
    },
    get gatewayPort() {
      return started().buying?.gateway?.port;
    },
    get proxyPort() {
      return started().buying?.proxy?.port;
    },
    get facts() {
      return currentFacts();
    },
    get gate() {
      return started().gate;
    },
    get buyer() {
      const { buying } = started();
      if (buying === undefined) throw new TypeError("The sidecar has not started.");
      return buying.buyer;
    },
    get chain() {
      return started().chain;
    },
    totals: () => started().ledger?.totals() ?? [],
    readiness: () => started().readiness.report(),
    whenReady: () => ready.promise,
    async replacePrices(next) {
      const own = started();
      const pricing = openPricing(next);
      if (pricing === undefined || own.prices === undefined) throw new TypeError("What is sold at all is decided when the sidecar starts.");
      const table = await tableOf(pricing);
      own.pricing = pricing;
      own.prices.replace(table, Date.now());
      showSelf(own);
      onEvent({ kind: "prices" });
      await own.identity?.refresh();
    },
  };
}

function readyPage(report: ReadinessReport | undefined): { readonly code: number; readonly body: unknown } {
  if (report === undefined) return { code: 503, body: { ready: false, problems: ["it is starting"] } };
  return { code: report.ready ? 200 : 503, body: report };
}
