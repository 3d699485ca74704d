import type { SidecarConfig } from "../../sidecar/config.ts";
import { openPricing } from "../../sidecar/process/openPricing.ts";
import { RouteTable } from "../../sidecar/pricing/RouteTable.ts";
import type { Report } from "../Report.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
/** The finest there is; the chain's own and the tokens' are seen when the sidecar starts. */
const MOST_DECIMALS = 18;

/** Shows what a configuration comes to. @throws ConfigError, PricingError */
export function checkSidecar(report: Report, config: SidecarConfig): void {
  const pricing = openPricing(config);
  if (pricing === undefined) return report.result("The settings are in order. Nothing is sold: there is neither an upstream nor a price.", { routes: 0 });
  const table = new RouteTable(pricing, { chain: { asset: ZERO_ADDRESS, decimals: MOST_DECIMALS }, decimalsOf: () => MOST_DECIMALS });
  const rows = pricing.routes.map(({ match, free, price, x402, stream, timeoutMs, maxBodyBytes }) => ({
    match, price: free === true ? "free" : (price ?? null), x402: x402 === undefined ? null : Object.entries(x402).map(([token, amount]) => `${amount} of ${token}`).join(", "),
    paid: free === true ? null : stream ? "before" : "after", timeoutMs, maxBodyBytes,
  }));
  report.table(`The settings are in order. ${table.routes.length} route${table.routes.length === 1 ? "" : "s"}, the first that matches wins; prices in whole units:`, "routes", rows);
}
