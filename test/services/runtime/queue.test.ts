import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { CodedError } from "../../../runtime/errors/CodedError.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createQueueBackend } from "../../../runtime/queue/createQueueBackend.ts";
import { retryPauseMs } from "../../../runtime/queue/createWakeQueue.ts";
import type { QueueBackend, WakeQueue } from "../../../runtime/queue/WakeQueue.ts";
import { QUEUE_STORES } from "./queueStores.ts";
import type { QueueStore } from "./queueStores.ts";
import { rejection } from "./rejection.ts";
import { tempFolder } from "./tempFolder.ts";

const workerFile = fileURLToPath(new URL("./queueWorker.ts", import.meta.url));

async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  for (const endMs = Date.now() + timeoutMs; !(await holds()); ) {
    if (Date.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(20);
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

for (const [storeName, startStore] of Object.entries(QUEUE_STORES)) {
  describe(`WakeQueue on ${storeName}`, () => {
    const folder = tempFolder();
    let store: QueueStore;
    let backend: QueueBackend;
    let queue: WakeQueue;
    let queueCount = 0;

    before(async () => {
      store = await startStore(folder.path);
      backend = await store.open();
    });
    beforeEach(() => {
      queueCount++;
      queue = backend.queue(`test${queueCount}`);
    });
    afterEach(() => queue.close());
    after(async () => {
      await backend?.close();
      await store?.stop();
      folder.remove();
    });

    it("wake: reaches the handler once when it was sent once, also before a handler was there", async () => {
      await queue.wake("early");
      const woken: string[] = [];
      await queue.process(async ({ id, attempt }) => void woken.push(`${id} ${attempt}`));
      await queue.wake("late");
      await until("both", () => woken.length === 2);
      await pause(100);
      expect(woken).to.deep.equal(["early 1", "late 1"]);
      expect(await queue.counts()).to.deep.equal({ waiting: 0, delayed: 0, active: 0 });
    });

    it("wake: runs on time when it was delayed", async () => {
      const lateMs: number[] = [];
      const sentMs = Date.now();
      await queue.process(async ({ id }) => void lateMs.push(Date.now() - sentMs - Number(id)), { concurrency: 4 });
      for (const delayMs of [300, 1500, 2600]) await queue.wake(String(delayMs), { delayMs });
      await until("all three", () => lateMs.length === 3);
      for (const late of lateMs) expect(late).to.be.within(-20, 1000);
    });

    it("dedupe: drops a second wake-up when one for the id is pending, unless asked not to", async () => {
      const woken: string[] = [];
      for (let index = 0; index < 5; index++) {
        await queue.wake("a");
        await queue.wake("b", { dedupe: false });
      }
      const delayMs = 500 + (1000 - (Date.now() % 1000));
      await Promise.all(Array.from({ length: 5 }, () => queue.wake("c", { delayMs })));
      await queue.process(async ({ id }) => void woken.push(id));
      await until("c", () => woken.includes("c"));
      await pause(300);
      expect(woken.filter((id) => id === "a")).to.have.length(1);
      expect(woken.filter((id) => id === "b")).to.have.length(5);
      // Due times are rounded up, so that a burst across a boundary may leave two.
      expect(woken.filter((id) => id === "c").length).to.be.within(1, 2);
    });

    it("dedupe: runs again when a wake-up arrives while its handler is running", async () => {
      let runs = 0;
      const gate = Promise.withResolvers<void>();
      await queue.process(async () => {
        runs++;
        if (runs === 1) await gate.promise;
      });
      await queue.wake("a");
      await until("the first run", () => runs === 1);
      for (let index = 0; index < 3; index++) await queue.wake("a");
      gate.resolve();
      await until("the second run", () => runs === 2);
      await pause(200);
      expect(runs).to.equal(2);
    });

    it("dedupe: runs now when a delayed wake-up for the same id is pending", async () => {
      let runs = 0;
      await queue.process(async () => void runs++);
      await queue.wake("a", { delayMs: 60_000 });
      await queue.wake("a");
      await until("the run", () => runs === 1, 3000);
      expect((await queue.counts()).delayed).to.equal(1);
    });

    it("retry: comes again after a growing pause when the handler throws", async () => {
      const startedMs: number[] = [];
      const failures: boolean[] = [];
      await queue.process(
        async ({ attempt }) => {
          startedMs.push(Date.now());
          if (attempt < 4) throw new Error("not yet");
        },
        { retryBaseMs: 100, onFailure: (_error, { willRetry }) => failures.push(willRetry) },
      );
      await queue.wake("a");
      await until("four tries", () => startedMs.length === 4);
      expect(startedMs[3]! - startedMs[0]!).to.be.at.least(650);
      expect(failures).to.deep.equal([true, true, true]);
    });

    it("retry: comes at once when it is woken while it waits for its retry", async () => {
      let runs = 0;
      await queue.process(
        async () => {
          runs++;
          if (runs === 1) throw new Error("not yet");
        },
        { retryBaseMs: 30_000 },
      );
      await queue.wake("a");
      await until("the failure", async () => (await queue.counts()).delayed === 1);
      await queue.wake("a");
      await until("the second run", () => runs === 2, 3000);
    });

    it("retry: ends when the handler refuses with a typed error", async () => {
      const tries: string[] = [];
      await queue.process(
        async ({ id }) => {
          tries.push(id);
          if (id === "bad") throw new CodedError("test/refused", {}, "reject", { what: "Refused" });
        },
        { retryBaseMs: 10 },
      );
      await queue.wake("bad");
      await queue.wake("good");
      await until("the good one", () => tries.includes("good"));
      await pause(200);
      expect(tries).to.deep.equal(["bad", "good"]);
      await queue.wake("bad");
      await until("a new wake-up of the refused id", () => tries.length === 3);
    });

    it("every: wakes again and again until it is cancelled", async () => {
      const wokenMs: number[] = [];
      await queue.process(async () => void wokenMs.push(Date.now()));
      await queue.every("tick", 400);
      await queue.every("tick", 400);
      await until("four ticks", () => wokenMs.length >= 4);
      const spanMs = wokenMs[3]! - wokenMs[1]!;
      expect(spanMs).to.be.within(500, 1500);
      await queue.cancelEvery("tick");
      await pause(100);
      const count = wokenMs.length;
      await pause(1000);
      expect(wokenMs.length).to.be.at.most(count + 1);
    });

    it("process: runs as many handlers at once as it may and no more", async () => {
      let running = 0;
      let peak = 0;
      let done = 0;
      await Promise.all(Array.from({ length: 12 }, (_unused, index) => queue.wake(`id ${index}`)));
      await queue.process(
        async () => {
          peak = Math.max(peak, ++running);
          await pause(60);
          running--;
          done++;
        },
        { concurrency: 3 },
      );
      await until("all twelve", () => done === 12);
      expect(peak).to.equal(3);
    });

    it("close: waits for the handler that is running and keeps the rest for the next", async () => {
      const other = backend.queue("closing");
      let aborted = false;
      const finished: string[] = [];
      await other.wake("first");
      await other.wake("second");
      const started = Promise.withResolvers<void>();
      await other.process(async ({ id, signal }) => {
        started.resolve();
        await pause(300);
        aborted = signal.aborted;
        finished.push(id);
      });
      await started.promise;
      await other.close();
      expect([finished, aborted]).to.deep.equal([["first"], true]);
      await rejection("queue/closed", () => other.wake("third"));
      const next = backend.queue("closing");
      await next.process(async ({ id }) => void finished.push(id));
      await until("the rest", () => finished.length === 2);
      expect(finished).to.deep.equal(["first", "second"]);
      await next.close();
    });

    it("process: hands on what a worker held when that was killed with SIGKILL", async () => {
      const jobs = backend.queue("jobs");
      await Promise.all(["a", "b", "c"].map((id) => jobs.wake(id)));
      const child = spawn(process.execPath, [workerFile, folder.path, ...(store.url === undefined ? [] : [store.url])], { stdio: ["ignore", "pipe", "inherit"] });
      const taken: string[] = [];
      child.stdout.on("data", (chunk: Buffer) => taken.push(...chunk.toString().trim().split("\n")));
      await until("two taken", () => taken.length === 2, 20_000);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      const woken = new Set<string>();
      await jobs.process(async ({ id }) => void woken.add(id), { lockMs: 2000 });
      await until("all three", () => woken.size === 3, 20_000);
      await jobs.close();
    });
  });
}

describe("createQueueBackend", () => {
  it("url: is refused when its scheme is unknown", async () => {
    const error = await rejection("queue/url", () => createQueueBackend({ url: "ftp://host", dataFolder: "", logger: silentLogger }));
    expect(error.payload).to.deep.equal({ scheme: "ftp" });
  });

  it("url: is reported without its password when nobody answers", async () => {
    const postgres = await rejection("postgres/unreachable", () => createQueueBackend({ url: "postgres://u:hunter2@127.0.0.1:1/d", dataFolder: "", logger: silentLogger }));
    expect([postgres.reaction, postgres.message.includes("hunter2")]).to.deep.equal(["retry", false]);
    const redis = await rejection("queue/unavailable", () => createQueueBackend({ url: "redis://:hunter2@127.0.0.1:1", dataFolder: "", logger: silentLogger }));
    expect([redis.reaction, redis.message.includes("hunter2")]).to.deep.equal(["retry", false]);
  });

  it("retry pause: doubles up to its limit when attempts go on", () => {
    expect([1, 2, 3, 8, 5000].map((attempt) => retryPauseMs(attempt, 250, 30_000))).to.deep.equal([250, 500, 1000, 30_000, 30_000]);
  });
});
