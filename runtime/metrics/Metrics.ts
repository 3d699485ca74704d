import type { IncomingMessage, ServerResponse } from "node:http";

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

/** Upper bounds in seconds, from 100 µs to 10 s, each about 2.2 times the one before. */
export const LATENCY_BUCKETS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one service: made once, handed to its parts. Names get the prefix `agnt2_`. */
export class Metrics {
  readonly registry = new Registry();

  constructor(options: { readonly service: string; readonly processMetrics?: boolean }) {
    this.registry.setDefaultLabels({ service: options.service });
    if (options.processMetrics ?? true) collectDefaultMetrics({ register: this.registry });
  }

  /** A number that only goes up. */
  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `agnt2_${name}`, help, labelNames, registers: [this.registry] });
  }

  /** A number that goes up and down. With `read` it is asked for its value when metrics are fetched. */
  gauge<L extends string = never>(name: string, help: string, options: { labelNames?: readonly L[]; read?: () => number } = {}): Gauge<L> {
    const read = options.read;
    return new Gauge<L>({
      name: `agnt2_${name}`,
      help,
      labelNames: options.labelNames ?? [],
      registers: [this.registry],
      ...(read === undefined ? {} : { collect() { (this as unknown as Gauge).set(read()); } }),
    });
  }

  /** A distribution of durations in seconds. */
  latency<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Histogram<L> {
    return new Histogram({ name: `agnt2_${name}_seconds`, help, labelNames, buckets: LATENCY_BUCKETS_SECONDS, registers: [this.registry] });
  }

  /** A distribution of sizes: powers of two from 1 to `max`. */
  size<L extends string = never>(name: string, help: string, max: number, labelNames: readonly L[] = []): Histogram<L> {
    const buckets = Array.from({ length: Math.ceil(Math.log2(max)) + 1 }, (_unused, exponent) => 2 ** exponent);
    return new Histogram({ name: `agnt2_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }

  /** The text that Prometheus scrapes. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Answers a `GET /metrics`; whoever owns the HTTP server routes to it. */
  readonly handleRequest = async (_request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await this.text();
      response.writeHead(200, { "content-type": this.registry.contentType }).end(body);
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" }).end(`The metrics cannot be read: ${(error as Error).message}\n`);
    }
  };
}

/** Runs `work` and puts its duration into `histogram`, also when it fails. */
export async function timed<T>(histogram: { observe(seconds: number): void }, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  try {
    return await work();
  } finally {
    histogram.observe((performance.now() - startedMs) / 1000);
  }
}
