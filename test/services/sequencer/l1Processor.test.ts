import { expect } from "chai";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { L1SideError } from "../../../services/sequencer/l1/L1SideError.ts";
import { createL1Processor } from "../../../services/sequencer/processor.ts";
import type { L1ProcessorOptions } from "../../../services/sequencer/processor.ts";
import { until } from "../../builders/loneCore.ts";
import { createMemoryQueue } from "../../builders/memoryQueue.ts";

const LONG_MS = 3_600_000;
const pause = (durationMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, durationMs));

function options(change: Partial<L1ProcessorOptions>): L1ProcessorOptions {
  const nothing = (): Promise<void> => Promise.resolve();
  return { queue: createMemoryQueue(), tasks: { post: nothing, claim: nothing, feed: nothing }, everyMs: LONG_MS, logger: silentLogger, onStop: () => undefined, ...change };
}

describe("L1 processor", () => {
  it("failure: is told by task and code, and the task comes again", async () => {
    const queue = createMemoryQueue();
    const told: string[] = [];
    let tries = 0;
    const base = options({ queue, everyMs: 20, onRetry: (task, { code }) => told.push(`${task} ${code}`) });
    const feed = (): Promise<void> => ((tries += 1) <= 2 ? Promise.reject(new Error("connection lost")) : Promise.resolve());
    const processor = createL1Processor({ ...base, tasks: { ...base.tasks, feed } });
    await processor.start();
    await until("it works again", () => tries > 2);
    expect(told).to.deep.equal(["feed L1_RPC", "feed L1_RPC"]);
    await processor.stop();
    await queue.close();
  });

  it("contradiction: is told once and ends every task", async () => {
    const queue = createMemoryQueue();
    const stops: Error[] = [];
    let claims = 0;
    const error = new L1SideError("l1/deep-reorg", { index: 1 }, "stop", { what: "Batch 1 is gone" });
    const base = options({ queue, everyMs: 20, onStop: (given) => stops.push(given) });
    const claim = (): Promise<void> => {
      claims += 1;
      return Promise.resolve();
    };
    const processor = createL1Processor({ ...base, tasks: { ...base.tasks, claim, post: () => Promise.reject(error) } });
    await processor.start();
    await until("it is told", () => stops.length > 0);
    const before = claims;
    await pause(60);
    expect(stops).to.deep.equal([error]);
    expect(claims).to.equal(before);
    await processor.stop();
    await queue.close();
  });
});
