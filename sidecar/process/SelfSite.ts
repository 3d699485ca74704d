import { createServer } from "node:http";
import type { Server } from "node:http";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { a2aRoutes, advertisedTexts, buildAgentCard, formatBaseUnits, registrationOf, REGISTRATION_PATH, signAgentCard } from "../../sdk/index.ts";
import type { A2aRoute, AgentCard, AgentDescription, Asset, StatementSigner } from "../../sdk/index.ts";
import { createA2aHandlers } from "../a2a/createA2aHandlers.ts";
import type { A2aHandlers } from "../a2a/createA2aHandlers.ts";
import type { SidecarSettings } from "../config.ts";
import type { RequestHead } from "../gate/RequestHead.ts";
import type { SelfDescription } from "../identity/Identity.ts";
import { openPassword } from "../identity/openKey.ts";
import type { RouteDocument } from "../pricing/pricingSchema.ts";
import { createSealedHandler } from "../sealed/createSealedHandler.ts";
import type { SealedHandler } from "../sealed/createSealedHandler.ts";
import { SealKeyring } from "../sealed/SealKeyring.ts";
import { describeSelf } from "./describeSelf.ts";
import type { SelfFacts } from "./describeSelf.ts";

const MAX_STATIC_MS = 60_000;
/** How often it is looked whether the seal key ends soon. */
const KEYS_MS = 600_000;
const CHARGED = ["1xx", "2xx", "3xx"];

export interface SelfSiteOptions {
  readonly settings: SidecarSettings;
  readonly signer: StatementSigner;
  /** The agent's own address, and the chain id of the L1. */
  readonly owner: { readonly address: string; readonly chainId: number };
  readonly logger: Logger;
}

/**
 * What the agent says and answers itself: card, registration file, domain proof and A2A; and sealed requests, which it opens for the service.
 * It listens on a socket in a folder of this user, so that door and gate treat it as any service.
 */
export class SelfSite {
  readonly #options: SelfSiteOptions;
  readonly #server: Server;
  #folder: string | undefined;
  #handlers: A2aHandlers | undefined;
  #description: AgentDescription | undefined;
  #text = "";
  #keys: SealKeyring | undefined;
  #sealed: SealedHandler | undefined;
  #renewing: NodeJS.Timeout | undefined;

  constructor(options: SelfSiteOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      const isOwn = this.#handlers?.handles({ target: request.url ?? "" }) === true;
      if (!isOwn && this.#sealed?.handles(request) === true) return this.#sealed.serve(request, response);
      if (this.#handlers !== undefined) return this.#handlers.serve(request, response);
      response.writeHead(503, { "retry-after": "2" }).end();
    });
  }

  /** Where the door finds it. */
  get upstream(): string {
    return `unix:${join(this.#folder!, "agent.sock")}`;
  }

  /** Whether a request is for it, and not for the service. */
  handles(head: RequestHead): boolean {
    return this.#handlers?.handles(head) === true || this.#sealed?.handles(head) === true;
  }

  get description(): AgentDescription | undefined {
    return this.#description;
  }

  get running(): number {
    return this.#handlers?.running ?? 0;
  }

  async start(): Promise<void> {
    // Short, since names of sockets may have some 100 characters only.
    this.#folder = await mkdtemp(join(tmpdir(), "agnt2-"));
    this.#server.listen(join(this.#folder, "agent.sock"));
    await once(this.#server, "listening");
    if (this.#options.settings.sealed) await this.#openKeys();
  }

  async #openKeys(): Promise<void> {
    const { settings, owner, signer, logger } = this.#options;
    const onError = (error: unknown): void => logger.warn({ err: toError(error) }, "A sealed request failed.");
    this.#keys = await SealKeyring.open({ file: join(settings.dataDir, "seal.json"), password: await openPassword(settings, true), ...owner, signer });
    this.#sealed = createSealedHandler({
      seller: owner.address, secrets: () => this.#keys!.secrets, upstream: settings.upstream!, timeoutMs: settings.upstreamMs,
      maxBodyBytes: settings.maxBodyBytes, maxAnswerBytes: settings.holdBytes, onError,
    });
    this.#renewing = setInterval(() => {
      this.#renew().catch((error: unknown) => logger.warn({ err: toError(error) }, "The seal key could not be renewed; it is tried again."));
    }, KEYS_MS);
  }

  /** The card with the keys of now; what is signed of it does not change with them. */
  async #renew(): Promise<void> {
    if (!(await this.#keys!.renew()) || this.#description === undefined) return;
    this.#handlers?.replace(this.#description, await this.#cardOf(this.#description));
  }

  async #cardOf(description: AgentDescription): Promise<AgentCard> {
    const { signer, owner, logger } = this.#options;
    const card = buildAgentCard(description, this.#keys?.published ?? []);
    return signAgentCard(signer, owner, card).catch((error: unknown) => {
      // An external signer may be away: the chain's hash of the card says the same.
      logger.warn({ err: toError(error) }, "The card could not be signed; it is shown without a signature.");
      return card;
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#renewing);
    this.#handlers?.stop();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  /** Says this of itself from now on. Tasks run on. */
  async show(self: SelfFacts): Promise<void> {
    const description = describeSelf(self);
    const text = JSON.stringify(description, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    if (text === this.#text) return;
    const { settings, logger } = this.#options;
    const card = await this.#cardOf(description);
    if (this.#handlers !== undefined) this.#handlers.replace(description, card);
    else {
      this.#handlers = createA2aHandlers({
        description, card, tasksFile: join(settings.dataDir, "tasks.sqlite"), upstream: settings.upstream!, timeoutMs: settings.upstreamMs, maxAnswerBytes: settings.holdBytes,
        onError: (error) => logger.warn({ err: toError(error) }, "A task failed."),
      });
    }
    [this.#description, this.#text] = [description, text];
  }
}

/** A description as the chains get it. */
export function selfDescription(settings: SidecarSettings, factsOf: (facts: SelfFacts["facts"]) => SelfFacts): SelfDescription {
  return {
    uri: (facts) => {
      const description = describeSelf(factsOf(facts));
      return settings.registrationUrl ? `${description.baseUrl}${REGISTRATION_PATH}` : `data:application/json;base64,${Buffer.from(registrationOf(description)).toString("base64")}`;
    },
    advertisement: (facts) => advertisedTexts(describeSelf(factsOf(facts))),
  };
}

function ownRoute({ match, prices, units, isStream }: A2aRoute, asset: Asset, decimalsOf: (token: string) => number, settings: SidecarSettings): RouteDocument {
  const x402 = Object.fromEntries(prices.filter(({ scheme }) => scheme === "exact").map((price) => [price.asset, formatBaseUnits(BigInt(price.amount), { ...asset, decimals: decimalsOf(price.asset) })]));
  const own = prices.find(({ scheme }) => scheme !== "exact");
  const price = own === undefined ? undefined : formatBaseUnits(BigInt(own.amount), asset);
  const isFree = units === undefined && price === undefined && Object.keys(x402).length === 0;
  return {
    match, stream: isStream, idempotent: false, timeoutMs: Math.max(settings.upstreamMs, MAX_STATIC_MS), maxBodyBytes: settings.maxBodyBytes, holdBytes: settings.holdBytes, charge: CHARGED,
    ...(isFree ? { free: true } : {}), ...(price === undefined ? {} : { price }), ...(Object.keys(x402).length === 0 ? {} : { x402 }),
  };
}

/** The agent's own endpoints in the price list. */
export function ownRoutes(self: SelfFacts): RouteDocument[] {
  return a2aRoutes(describeSelf(self)).map((route) => ownRoute(route, self.chain.asset, self.decimalsOf, self.settings));
}
