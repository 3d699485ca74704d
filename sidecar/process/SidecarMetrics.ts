import { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { DoorMetrics, DoorOutcome } from "../door/ExchangeContext.ts";
import type { GateMetrics } from "../gate/GateMetrics.ts";
import type { WayName } from "../ways/Way.ts";

/** Numbers that are asked for when metrics are fetched. */
export interface SidecarGauges {
  readonly running: () => number;
  readonly connections: () => number;
  readonly upstreamConnections: () => number;
  readonly channels: () => number;
  readonly ledgerRows: () => number;
  readonly tasks: () => number;
  readonly ready: () => number;
  readonly buying: () => number;
}

const ZERO: SidecarGauges = { running: () => 0, connections: () => 0, upstreamConnections: () => 0, channels: () => 0, ledgerRows: () => 0, tasks: () => 0, ready: () => 0, buying: () => 0 };

/** What is counted: exchanges, money, and how full it is. No label that a stranger could make more of. */
export class SidecarMetrics {
  readonly metrics = new Metrics({ service: "sidecar" });
  readonly door: DoorMetrics;
  readonly gate: GateMetrics;
  readonly bought: (outcome: string) => void;
  /** Set as the parts come up. */
  gauges: SidecarGauges = ZERO;

  constructor() {
    const { metrics } = this;
    const exchanges = metrics.counter("sidecar_exchanges_total", "Requests by how they ended", ["outcome"]);
    const seconds = metrics.latency("sidecar_exchange", "From a request's head to the end of its answer", ["outcome"]);
    const payments = metrics.counter("sidecar_payments_total", "Payments by way and what became of them", ["way", "outcome"]);
    const unpaid = metrics.counter("sidecar_unpaid_total", "Requests that got a 402 because they brought no payment");
    const refused = metrics.counter("sidecar_refused_total", "Requests that were refused, by code", ["code"]);
    const money = metrics.counter("sidecar_earned_base_units_total", "Money that came in", ["way", "asset"]);
    const bought = metrics.counter("sidecar_bought_total", "Purchases by what became of their payment", ["outcome"]);
    for (const [name, help] of [
      ["running", "Requests that are served now"], ["connections", "Open connections of buyers"], ["upstreamConnections", "Open connections to the service"], ["channels", "Channels that are served"],
      ["ledgerRows", "Payments that came in, by the ledger"], ["tasks", "A2A tasks that run now"], ["ready", "1 when ready"], ["buying", "Purchases under way"],
    ] as const) metrics.gauge(`sidecar_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`, help, { read: () => this.gauges[name]() });
    const count = (way: WayName, outcome: string): void => payments.inc({ way, outcome });
    this.door = {
      exchange(outcome: DoorOutcome, took: number): void {
        exchanges.inc({ outcome });
        seconds.observe({ outcome }, took);
      },
    };
    this.gate = {
      free: () => undefined,
      unpaid: () => unpaid.inc(),
      refused: (code) => refused.inc({ code }),
      sold: (way) => count(way, "sold"),
      settled(way, asset, amount) {
        count(way, "settled");
        // A double holds 53 bits of it exactly: enough for a rate; the ledger has the sums.
        money.inc({ way, asset: asset.toLowerCase() }, Number(amount));
      },
      unsettled: (way) => count(way, "unsettled"),
      released: (way) => count(way, "released"),
      repeated: (way) => count(way, "repeated"),
    };
    this.bought = (outcome) => bought.inc({ outcome });
  }
}
