import { ConfigError } from "../../runtime/config/ConfigError.ts";
import type { SidecarConfig, SidecarSettings } from "../config.ts";
import { parsePricing } from "../pricing/pricingSchema.ts";
import type { PricingDocument, RouteDocument } from "../pricing/pricingSchema.ts";

/** Everything, at one price. */
const FLAT_MATCH = "* /*";

function problem(name: string, env: string, text: string): ConfigError {
  return new ConfigError("config/invalid", { problems: [{ name, env, source: "missing", problem: text }] }, "stop", { what: `The configuration has a problem:\n  ${env} (${name}): ${text}\n`, todo: "Correct it and start again" });
}

/** A route as it was written, with the settings' limits where it says nothing itself. */
function withDefaults(route: unknown, { upstreamMs, maxBodyBytes, holdBytes }: SidecarSettings): unknown {
  return typeof route === "object" && route !== null && !Array.isArray(route) ? { timeoutMs: upstreamMs, maxBodyBytes, holdBytes, ...route } : route;
}

/**
 * The price list that a configuration comes to; undefined when nothing is sold.
 * @throws PricingError `pricing/invalid`; ConfigError `config/invalid` for a service without a price, and for two price lists
 */
export function openPricing({ settings, routes }: SidecarConfig): PricingDocument | undefined {
  const { price, x402Price, upstream, quoteSeconds } = settings;
  const isFlat = price !== undefined || x402Price.length > 0;
  if (routes !== undefined && isFlat) throw problem("price", "SIDECAR_PRICE", "there is a list of routes too: keep one of them");
  if (routes === undefined && !isFlat) {
    if (upstream !== undefined) throw problem("price", "SIDECAR_PRICE", "is needed, or a list of routes: nothing is given away unless a route says `free`");
    return undefined;
  }
  const flat = { match: FLAT_MATCH, ...(price === undefined ? {} : { price }), ...(x402Price.length === 0 ? {} : { x402: Object.fromEntries(x402Price.map(({ token, amount }) => [token, amount])) }) };
  const list: unknown = routes ?? [flat];
  return parsePricing({ quoteSeconds, routes: Array.isArray(list) ? list.map((route: unknown) => withDefaults(route, settings)) : list });
}

/** What the agent itself answers, before the service's routes. */
export function withOwnRoutes(document: PricingDocument, own: readonly RouteDocument[]): PricingDocument {
  return { ...document, routes: [...own, ...document.routes] };
}
