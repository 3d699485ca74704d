import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { Metrics, timed } from "../../../runtime/metrics/Metrics.ts";

describe("Metrics", () => {
  it("text: shows counters, gauges and histograms with the service when it is scraped", async () => {
    const metrics = new Metrics({ service: "shop", processMetrics: false });
    metrics.counter("sales_total", "Sales", ["kind"]).inc({ kind: "small" }, 2);
    let depth = 0;
    metrics.gauge("queue_depth", "Waiting", { read: () => depth });
    depth = 5;
    metrics.size("bundle", "Records in a bundle", 512).observe(300);
    const latency = metrics.latency("sale", "Duration of a sale");
    await timed(latency, () => Promise.resolve(1));
    await timed(latency, () => Promise.reject(new Error("no"))).catch((error: Error) => error);

    const server = createServer((request, response) => void metrics.handleRequest(request, response)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
      const body = await answer.text();
      expect(answer.headers.get("content-type")).to.contain("text/plain");
      expect(body).to.contain('agnt2_sales_total{kind="small",service="shop"} 2');
      expect(body).to.contain('agnt2_queue_depth{service="shop"} 5');
      expect(body).to.contain('agnt2_bundle_bucket{le="512",service="shop"} 1');
      expect(body).to.contain('agnt2_sale_seconds_count{service="shop"} 2');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
