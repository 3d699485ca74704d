import { expect } from "chai";

import { CodedError } from "../../../runtime/errors/CodedError.ts";
import type { Reaction } from "../../../runtime/errors/CodedError.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createTurns } from "../../../runtime/queue/createTurns.ts";
import type { Turns, TurnError, TurnsOptions } from "../../../runtime/queue/createTurns.ts";
import { until } from "../../builders/loneCore.ts";
import { createMemoryQueue } from "../../builders/memoryQueue.ts";

const pause = (durationMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, durationMs));
const failure = (reaction: Reaction): TurnError => new CodedError("test/failed", {}, reaction, { what: "It failed" });

describe("turns", () => {
  let queue: ReturnType<typeof createMemoryQueue>;
  let turns: Turns<string>;
  beforeEach(() => void (queue = createMemoryQueue()));
  afterEach(async () => {
    await turns.stop();
    await queue.close();
  });

  async function start(change: Partial<TurnsOptions<string>> & Pick<TurnsOptions<string>, "turn">): Promise<void> {
    turns = createTurns({ queue, everyMs: {}, concurrency: 2, logger: silentLogger, asError: (thrown) => thrown as TurnError, ...change });
    await turns.start();
  }

  it("wake: runs a turn one at a time for each id, and once more when it is woken meanwhile", async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const begun: string[] = [];
    await start({
      turn: (id) => {
        begun.push(id);
        gates.set(id, Promise.withResolvers());
        return gates.get(id)!.promise;
      },
    });
    turns.wake("a");
    turns.wake("b");
    await until("both are under way", () => begun.length === 2);
    const joined = [turns.run("a"), turns.run("a"), turns.run("a")];
    expect(begun).to.have.members(["a", "b"]);
    gates.get("a")!.resolve();
    await until("it runs once more", () => begun.length === 3);
    for (const gate of gates.values()) gate.resolve();
    await Promise.all(joined);
    expect(begun.filter((id) => id === "a")).to.have.length(2);
  });

  it("regular turn: comes again and again, with what failed told until it works again", async () => {
    const told: string[] = [];
    let tries = 0;
    await start({ turn: async () => ((tries += 1) <= 2 ? Promise.reject(failure("retry")) : undefined), everyMs: { look: 5 }, onRetry: (id, { code }) => told.push(`${id} ${code}`) });
    await until("it fails", () => turns.troubleOf("look") === "test/failed");
    await until("it works", () => tries > 3);
    expect(told).to.deep.equal(["look test/failed", "look test/failed"]);
    expect(turns.troubleOf("look")).to.equal(undefined);
  });

  it("reaction stop: is told once and ends every turn; without anybody to tell, it is a failure like others", async () => {
    const stops: string[] = [];
    let others = 0;
    await start({ turn: async (id) => (id === "bad" ? Promise.reject(failure("stop")) : void (others += 1)), onStop: ({ code }) => stops.push(code) });
    await Promise.all([turns.run("bad"), turns.run("bad")]);
    turns.wake("good");
    await queue.wake("good");
    await pause(20);
    expect([stops, others]).to.deep.equal([["test/failed"], 0]);
    await start({ turn: () => Promise.reject(failure("stop")) });
    await turns.run("bad");
    expect(turns.troubleOf("bad")).to.equal("test/failed");
  });

  it("ids of others: are passed over", async () => {
    const seen: string[] = [];
    await start({ turn: async (id) => void seen.push(id), isKnown: (id): id is string => id === "ours" });
    await queue.wake("theirs");
    await queue.wake("ours");
    await until("ours has run", () => seen.length > 0);
    expect(seen).to.deep.equal(["ours"]);
  });

  it("regular turn: is left out while nothing is due, runs when that cannot be asked, and a wake-up runs anyway", async () => {
    let asked = 0;
    let ran = 0;
    let answer: () => Promise<boolean> = () => Promise.resolve(false);
    await start({
      turn: async () => void (ran += 1),
      everyMs: { look: 5 },
      isDue: () => {
        asked += 1;
        return answer();
      },
    });
    await until("it was asked", () => asked > 3);
    expect(ran).to.equal(0);
    turns.wake("look");
    await until("what is woken runs", () => ran === 1);
    answer = () => Promise.reject(new Error("L1 is away"));
    await until("what cannot be asked runs", () => ran > 2);
  });

  it("regular turn: costs the queue nothing, and ends what an earlier version had it repeat", async () => {
    const cancelled: string[] = [];
    let ran = 0;
    const refuse = (): Promise<never> => Promise.reject(new Error("it is not asked"));
    const counting = { ...queue, wake: refuse, every: refuse, cancelEvery: async (id: string) => void cancelled.push(id) };
    await start({ queue: counting, turn: async () => void (ran += 1), everyMs: { look: 5 } });
    await until("it runs again and again", () => ran > 3);
    expect(cancelled).to.deep.equal(["look"]);
  });

  it("stop: waits for the turn under way, and none begins after it", async () => {
    const gate = Promise.withResolvers<boolean>();
    let ran = 0;
    await start({ turn: async () => void (ran += 1), everyMs: { look: 5 }, isDue: () => gate.promise });
    const stopped = turns.stop();
    gate.resolve(true);
    await stopped;
    await pause(20);
    expect(ran).to.equal(0);
  });

  it("queue that is down: regular turns and wake-ups run without it, where the service asks for that", async () => {
    const seen = new Set<string>();
    const down = { ...queue, process: () => Promise.resolve(), wake: () => Promise.reject(new Error("no queue")) };
    await start({ queue: down, turn: async (id) => void seen.add(id), everyMs: { look: 5 }, runsUnqueued: true });
    turns.wake("other");
    await until("both have run", () => seen.size === 2);
  });
});
