import { setTimeout as delay } from "node:timers/promises";

import type { LoadPlan, LoadResult } from "./BenchPlan.ts";
import { KeepAliveClient } from "./KeepAliveClient.ts";

/** Makes the text of the next request, paid as the server wants it. */
export type NextRequest = () => string | Promise<string>;

const MAX_SAMPLES = 2_000_000;

/**
 * One request at a time on every connection, one after the other or at a rate. Latency runs from before the payment is made to the end of the
 * answer; at a rate, a request that had to wait for the one before it on its connection counts from when it was due.
 * @throws Error for any answer but 200
 */
export async function runLoad(plan: Pick<LoadPlan, "server" | "connections" | "seconds" | "warmUpSeconds" | "ratePerSecond">, next: NextRequest, onBegin: () => void = () => undefined, onEnd: () => void = () => undefined): Promise<LoadResult> {
  const clients = await Promise.all(Array.from({ length: plan.connections }, () => KeepAliveClient.connect(plan.server.port)));
  const samples = new Float64Array(MAX_SAMPLES);
  let requests = 0;
  const startMs = performance.now();
  const fromMs = startMs + 1_000 * plan.warmUpSeconds;
  const untilMs = fromMs + 1_000 * plan.seconds;
  let isMeasured = false;
  let cpuBefore = process.cpuUsage();
  const everyMs = plan.ratePerSecond === undefined ? 0 : (1_000 * plan.connections) / plan.ratePerSecond;
  const run = async (client: KeepAliveClient, index: number): Promise<void> => {
    for (let turn = index / plan.connections; ; turn += 1) {
      let sentMs = performance.now();
      if (everyMs > 0) {
        const dueMs = startMs + turn * everyMs;
        if (dueMs > sentMs) {
          await delay(dueMs - sentMs);
          sentMs = performance.now();
        } else sentMs = dueMs;
      }
      if (sentMs >= untilMs) return;
      if (!isMeasured && sentMs >= fromMs) {
        isMeasured = true;
        cpuBefore = process.cpuUsage();
        onBegin();
      }
      const made = next();
      const { status, head, body } = await client.send(typeof made === "string" ? made : await made);
      if (status !== 200) throw new Error(`answered with ${head}\n${body.toString()}`);
      const nowMs = performance.now();
      if (sentMs >= fromMs && requests < MAX_SAMPLES) samples[requests++] = nowMs - sentMs;
    }
  };
  try {
    await Promise.all(clients.map(run));
  } finally {
    onEnd();
    for (const client of clients) client.close();
  }
  const seconds = (performance.now() - fromMs) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const sorted = samples.subarray(0, requests).sort();
  const at = (part: number): number => Math.round(1_000_000 * (sorted[Math.min(requests - 1, Math.floor(part * requests))] ?? NaN)) / 1_000;
  return { requests, seconds, p50Us: at(0.5), p99Us: at(0.99), loadCpuUs: (cpu.user + cpu.system) / requests };
}
