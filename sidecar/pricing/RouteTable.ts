import { getAddress } from "ethers/address";

import { toBaseUnits } from "../../sdk/amount.ts";
import type { WayPrice } from "../ways/Way.ts";
import { canonicalPath } from "./canonicalPath.ts";
import { PricingError } from "./PricingError.ts";
import type { PricingDocument, RouteDocument } from "./pricingSchema.ts";
import type { Route } from "./Route.ts";

const MAX_BASE_UNITS = 2n ** 256n - 1n;
const STATUSES = 600;
const NOTHING: readonly WayPrice[] = [];

/** What the amounts of a price list are counted in. */
export interface PricingAssets {
  /** Asset of the chain, for call and channel: checksummed address, the zero address for ETH. */
  readonly chain: { readonly asset: string; readonly decimals: number };
  /** Decimal places of a token (checksummed address); undefined when it is not known. */
  decimalsOf(token: string): number | undefined;
}

interface Node {
  readonly children: Map<string, Node>;
  parameter: Node | undefined;
  /** Routes that end here, and routes that take everything from here on. */
  readonly here: Route[];
  readonly below: Route[];
}

function newNode(): Node {
  return { children: new Map(), parameter: undefined, here: [], below: [] };
}

function takes(route: Route, method: string): boolean {
  if (route.method === method) return true;
  if (route.method === "*") return method !== "OPTIONS" && method !== "CONNECT" && method !== "TRACE";
  return method === "HEAD" && route.method === "GET";
}

/** First route of the list that takes the method, if it comes before `best`. The lists are in order. */
function better(routes: readonly Route[], method: string, best: Route | undefined): Route | undefined {
  for (const route of routes) {
    if (best !== undefined && route.index > best.index) return best;
    if (takes(route, method)) return route;
  }
  return best;
}

function chargedStatuses(charge: readonly string[]): Uint8Array {
  const charged = new Uint8Array(STATUSES);
  for (const text of charge) {
    const status = Number(text.replace("xx", "00"));
    charged.fill(1, status, text.endsWith("xx") ? status + 100 : status + 1);
  }
  return charged;
}

/** Segments of a pattern in the form that paths are compared in; `undefined` stands for any one segment. */
function segmentsOf(pattern: string): { segments: (string | undefined)[]; isOpen: boolean } | string {
  const isOpen = pattern === "/*" || pattern.endsWith("/*");
  const closed = isOpen ? pattern.slice(0, -1) : pattern;
  if (/[*?]/.test(closed)) return "a star may only be the last segment, and there is no query";
  const path = canonicalPath(closed);
  if (typeof path !== "string") return path.problem;
  const segments = path === "/" ? [] : path.slice(1).split("/");
  if (segments.some((segment) => /^:($|.*[^a-z0-9_])/.test(segment))) return "a parameter has a name of letters and digits";
  return { segments: segments.map((segment) => (segment.startsWith(":") ? undefined : segment)), isOpen };
}

/** A compiled price list: which route a request falls under. The first that matches wins; the work does not grow with the list. */
export class RouteTable {
  readonly routes: readonly Route[];
  readonly quoteMs: number;
  readonly #root = newNode();

  /** @throws PricingError `pricing/invalid` */
  constructor(document: PricingDocument, assets: PricingAssets) {
    this.quoteMs = document.quoteSeconds * 1_000;
    const problems: string[] = [];
    const seen = new Map<string, string>();
    this.routes = document.routes.flatMap((line, index) => {
      try {
        const route = compile(line, index, assets);
        const key = `${route.method} ${this.#add(route)}`;
        const other = seen.get(key);
        if (other !== undefined) throw new Error(`the same as ${other} for a service that reads paths loosely`);
        seen.set(key, route.match);
        return [route];
      } catch (error) {
        problems.push(`routes.${index} (${line.match}): ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    });
    if (problems.length > 0) throw new PricingError("pricing/invalid", { problems }, { why: problems.join("; ") });
  }

  /** @param path in the form of {@link canonicalPath} */
  find(method: string, path: string): Route | undefined {
    return this.#search(this.#root, method, path, 1, undefined);
  }

  #search(node: Node, method: string, path: string, start: number, best: Route | undefined): Route | undefined {
    let found = better(node.below, method, best);
    if (start >= path.length) return better(node.here, method, found);
    if (node.children.size === 0 && node.parameter === undefined) return found;
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    const child = node.children.get(path.slice(start, end));
    if (child !== undefined) found = this.#search(child, method, path, end + 1, found);
    if (node.parameter !== undefined) found = this.#search(node.parameter, method, path, end + 1, found);
    return found;
  }

  /** Puts a route into the tree; the text that two routes of one meaning have in common. */
  #add(route: Route): string {
    const parsed = segmentsOf(route.pattern);
    if (typeof parsed === "string") throw new Error(parsed);
    let node = this.#root;
    for (const segment of parsed.segments) {
      if (segment === undefined) {
        node = node.parameter ??= newNode();
        continue;
      }
      const next = node.children.get(segment) ?? newNode();
      node.children.set(segment, next);
      node = next;
    }
    (parsed.isOpen ? node.below : node.here).push(route);
    return `/${parsed.segments.map((segment) => segment ?? ":").join("/")}${parsed.isOpen ? "/*" : ""}`;
  }
}

function compile(line: RouteDocument, index: number, assets: PricingAssets): Route {
  const space = line.match.indexOf(" ");
  const chain = line.price === undefined ? NOTHING : [{ amount: baseUnits(line.price, assets.chain.decimals), asset: assets.chain.asset }];
  const tokens = new Map<string, WayPrice>();
  for (const [token, text] of Object.entries(line.x402 ?? {})) {
    // An address in small letters has no checksum to be wrong.
    const asset = getAddress(token);
    const decimals = assets.decimalsOf(asset);
    if (decimals === undefined) throw new Error(`the decimals of ${asset} are not known`);
    if (tokens.has(asset)) throw new Error(`${asset} stands there twice`);
    tokens.set(asset, { amount: baseUnits(text, decimals), asset });
  }
  const exact = [...tokens.values()];
  const charged = chargedStatuses(line.charge);
  return {
    index,
    match: line.match,
    method: line.match.slice(0, space),
    pattern: line.match.slice(space + 1),
    isFree: line.free === true,
    isIdempotent: line.idempotent,
    isStream: line.stream,
    timeoutMs: line.timeoutMs,
    maxBodyBytes: line.maxBodyBytes,
    holdBytes: line.holdBytes,
    description: line.description,
    mimeType: line.mimeType,
    pricesFor: (way) => (way === "exact" ? exact : chain),
    isCharged: (status) => charged[status] === 1,
  };
}

function baseUnits(text: string, decimals: number): bigint {
  const amount = toBaseUnits(text, { decimals });
  if (amount === 0n || amount > MAX_BASE_UNITS) throw new Error(`${text} is out of range`);
  return amount;
}
