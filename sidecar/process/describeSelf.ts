import { CALL_SCHEME, CHANNEL_SCHEME, networkOf, parseAgentDescription, toBaseUnits, toChainUnits } from "../../sdk/index.ts";
import type { AgentDescription, AgentDescriptionInput, AgentSkill, Asset, TrustedChain } from "../../sdk/index.ts";
import type { SidecarSettings, WAY_NAMES } from "../config.ts";
import type { IdentityFacts } from "../identity/Identity.ts";
import type { PricingDocument, RouteDocument } from "../pricing/pricingSchema.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const MAX_SKILLS = 32;
const MAX_ID = 48;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const VERSION = "1.0.0";

type WayName = (typeof WAY_NAMES)[number];

export interface SelfFacts {
  readonly settings: SidecarSettings;
  readonly pricing: PricingDocument;
  readonly facts: IdentityFacts;
  readonly chain: TrustedChain;
  readonly identityRegistry: string | undefined;
  /** Where buyers reach the door. */
  readonly baseUrl: string;
  /** Ways that are offered at all, ready or not: a card does not change because a server is away for a minute. */
  readonly ways: readonly WayName[];
  /** Decimal places of a token that `exact` takes. */
  decimalsOf(token: string): number;
  /** Where this agent listens for channels. */
  readonly channelPeer: string | undefined;
}

interface SoldRoute {
  readonly route: RouteDocument;
  readonly method: AgentSkill["method"];
  readonly path: string;
}

/** A route as one method and one path that can be asked for; undefined for one with parameters. */
function plainRoute(route: RouteDocument): SoldRoute | undefined {
  const [method = "", pattern = ""] = route.match.split(" ");
  const path = pattern.endsWith("/*") ? pattern.slice(0, -2) || "/" : pattern;
  const known = method === "*" ? "POST" : METHODS.find((each) => each === method);
  if (known === undefined || /[:*]/.test(path) || !/^\/(?!\/)[A-Za-z0-9\-._~!$&'()+,;=@/]*$/.test(path)) return undefined;
  return { route, method: known, path };
}

/** `/v1/translate` as `v1-translate`; the second of a name gets a number. */
function skillIds(routes: readonly SoldRoute[]): string[] {
  const taken = new Map<string, number>();
  return routes.map(({ path }) => {
    const word = path.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, MAX_ID - 4).replace(/-+$/, "") || "service";
    const count = (taken.get(word) ?? 0) + 1;
    taken.set(word, count);
    return count === 1 ? word : `${word}-${count}`;
  });
}

function pricesOf({ price, x402 }: RouteDocument, { ways, chain, decimalsOf }: SelfFacts): AgentSkill["prices"] {
  const { asset } = chain;
  const own = price === undefined ? [] : [CALL_SCHEME, CHANNEL_SCHEME]
    .filter((scheme) => ways.includes(scheme === CALL_SCHEME ? "call" : "channel"))
    .map((scheme) => ({ scheme, asset: asset.address ?? ZERO_ADDRESS, amount: toBaseUnits(price, asset).toString() }));
  const exact = !ways.includes("exact") ? [] : Object.entries(x402 ?? {}).map(([token, amount]) => {
    const unit: Asset = { assetScale: 1n, decimals: decimalsOf(token), symbol: "" };
    return { scheme: "exact", asset: token, amount: toBaseUnits(amount, unit).toString() };
  });
  return [...own, ...exact];
}

function waysOf({ ways, chain, pricing, facts, channelPeer }: SelfFacts): AgentDescriptionInput["ways"] {
  const common = { network: networkOf(chain.domain.chainId), payTo: facts.address };
  const asset = chain.asset.address ?? ZERO_ADDRESS;
  const isPriced = pricing.routes.some(({ price }) => price !== undefined);
  const tokens = [...new Set(pricing.routes.flatMap(({ x402 }) => Object.keys(x402 ?? {}).map((token) => token.toLowerCase())))];
  return [
    ...(isPriced && ways.includes("channel") ? [{ scheme: CHANNEL_SCHEME, ...common, asset, ...(channelPeer === undefined ? {} : { extra: { peer: channelPeer } }) }] : []),
    ...(isPriced && ways.includes("call") ? [{ scheme: CALL_SCHEME, ...common, asset }] : []),
    ...(ways.includes("exact") ? tokens.map((token) => ({ scheme: "exact", ...common, asset: token })) : []),
  ];
}

/** What is behind a wildcard is one skill; what has a price of its own another. */
function skillsOf(self: SelfFacts): AgentDescriptionInput["skills"] {
  const { pricing, chain, settings } = self;
  const isSold = ({ route }: SoldRoute): boolean => route.free !== true && pricesOf(route, self).length > 0;
  const plain = pricing.routes.map(plainRoute).filter((each) => each !== undefined);
  const sold = plain.filter(isSold);
  const shown = (sold.length > 0 ? sold : plain).slice(0, MAX_SKILLS);
  if (shown.length === 0) shown.push({ route: pricing.routes[0]!, method: "POST", path: "/" });
  const ids = skillIds(shown);
  const name = nameOf(settings);
  return shown.map(({ route, method, path }, place) => ({
    id: ids[place]!,
    capability: place,
    name: shown.length === 1 ? name.slice(0, 64).trim() : `${method} ${path}`.slice(0, 64),
    description: route.description ?? (settings.description === "" ? `${method} ${path}` : settings.description.slice(0, 1_024)),
    method,
    path,
    isStream: route.stream,
    prices: route.free === true ? [] : pricesOf(route, self),
    ...(route.price === undefined || !self.ways.includes("call") ? {} : { units: toChainUnits(route.price, chain.asset) }),
  }));
}

/** The agent's name: as it was given, or the service's host. */
export function nameOf({ name, upstream }: Pick<SidecarSettings, "name" | "upstream">): string {
  return name ?? (upstream === undefined || upstream.startsWith("unix:") ? "Agent" : new URL(upstream).host);
}

/** The one description of this agent, from its settings, its price list and what the chains know of it. @throws SdkError `SDK_INPUT` */
export function describeSelf(self: SelfFacts): AgentDescription {
  const { settings, facts, chain, identityRegistry, baseUrl } = self;
  const name = nameOf(settings);
  return parseAgentDescription({
    name,
    description: settings.description === "" ? name : settings.description,
    version: VERSION,
    baseUrl: new URL(baseUrl).origin,
    address: facts.address,
    chainId: chain.domain.chainId,
    ...(facts.agentId === undefined || identityRegistry === undefined ? {} : { registration: { identityRegistry, agentId: facts.agentId } }),
    ...(facts.accountIndex === undefined ? {} : { layer2: { settlement: chain.contracts.settlement, account: facts.accountIndex, api: settings.api, sequencer: settings.sequencer } }),
    isSealed: settings.sealed,
    ways: waysOf(self) ?? [],
    skills: skillsOf(self),
  });
}
