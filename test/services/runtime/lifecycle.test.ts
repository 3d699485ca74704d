import { EventEmitter } from "node:events";

import { expect } from "chai";

import { createService } from "../../../runtime/lifecycle/createService.ts";
import { createStagedService } from "../../../runtime/lifecycle/createStagedService.ts";
import type { Staging } from "../../../runtime/lifecycle/createStagedService.ts";
import { runUntilStopped } from "../../../runtime/lifecycle/runUntilStopped.ts";
import type { Service, StopReason } from "../../../runtime/lifecycle/Service.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { rejection } from "./rejection.ts";

const asked: StopReason = { kind: "requested", by: "test" };

function recording(log: string[], name: string, failOn?: "start" | "stop"): Service {
  const act = (action: "start" | "stop") => () => {
    log.push(`${action} ${name}`);
    if (failOn === action) throw new Error(`${name} cannot ${action}`);
  };
  return createService({ start: act("start"), stop: act("stop") });
}

describe("createStagedService", () => {
  const lines: string[] = [];
  const logger = createLogger({ service: "test", level: "debug", output: { write: (line: string) => void lines.push(line) } });
  beforeEach(() => void lines.splice(0));

  function staged(start: (staging: Staging) => Promise<void> | void, stopDeadlineMs?: number): Service {
    return createStagedService({ logger, ...(stopDeadlineMs === undefined ? {} : { stopDeadlineMs }) }, async (staging) => start(staging));
  }

  it("stop: goes the other way than the start, once, whoever asks, and says why to each part", async () => {
    const log: string[] = [];
    const service = staged(({ started }) => {
      for (const name of ["stores", "transactions", "workers", "intake"]) started(name, (reason) => void log.push(`${name} ${reason.kind}`));
    });
    await service.start();
    expect(log).to.deep.equal([]);
    await Promise.all([service.stop(asked), service.stop(asked)]);
    expect(log).to.deep.equal(["intake requested", "workers requested", "transactions requested", "stores requested"]);
    expect(await service.stopped).to.deep.equal(asked);
  });

  it("start: stops what has started and rejects with its own reason when a part fails, also when that does not stop in order", async () => {
    const log: string[] = [];
    const service = staged(({ started }) => {
      started("store", () => void log.push("store"));
      started("worker", () => {
        throw new Error("worker cannot stop");
      });
      throw new Error("intake cannot start");
    });
    expect(await service.start().catch((error: Error) => error.message)).to.equal("intake cannot start");
    expect(log).to.deep.equal(["store"]);
    expect(lines.join("")).to.contain("worker cannot stop");
    const reason = await service.stopped;
    expect(reason.kind === "failed" && reason.error.message).to.equal("intake cannot start");
    await service.stop(asked);
    expect(log).to.deep.equal(["store"]);
  });

  it("stop: stops the others too when one part fails to stop", async () => {
    const log: string[] = [];
    const service = staged(({ started }) => {
      started("store", () => void log.push("store"));
      started("intake", () => Promise.reject(new Error("intake cannot stop")));
    });
    await service.start();
    const error = await rejection("lifecycle/stopFailed", () => service.stop(asked));
    expect(error.payload).to.deep.equal({ members: ["intake"] });
    expect(log).to.deep.equal(["store"]);
  });

  it("stop: names who hangs when the deadline passes", async () => {
    const service = staged(({ started }) => started("stuck", () => new Promise(() => undefined)), 20);
    await service.start();
    const error = await rejection("lifecycle/stopDeadline", () => service.stop(asked));
    expect(error.payload).to.deep.equal({ members: ["stuck"], deadlineMs: 20 });
    await service.stopped;
  });

  it("stop: breaks off a start that is under way, which leaves nothing behind and is no failure", async () => {
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const service = staged(async ({ started }) => {
      started("store", () => void log.push("store"));
      await gate.promise;
      started("worker", () => void log.push("worker"));
      log.push("intake is up");
    });
    const starting = service.start();
    await service.stop(asked);
    expect(log).to.deep.equal(["store"]);
    gate.resolve();
    await starting;
    expect(log).to.deep.equal(["store", "worker"]);
    expect(await service.stopped).to.deep.equal(asked);
  });

  it("stopped: says why when a part cannot go on", async () => {
    const log: string[] = [];
    let fail: (error: Error) => void = () => expect.fail("not started");
    const service = staged((staging) => {
      fail = staging.fail;
      staging.started("store", () => void log.push("store"));
    });
    await service.start();
    fail(new Error("lost its socket"));
    const reason = await service.stopped;
    expect(reason.kind === "failed" && reason.error.message).to.equal("lost its socket");
    await service.stop(reason);
    expect(log).to.deep.equal(["store"]);
  });
});

describe("runUntilStopped", () => {
  function run(service: Service) {
    const signals = new EventEmitter();
    const exits: number[] = [];
    const errors: string[] = [];
    const done = runUntilStopped(service, { signals, exitNow: (code) => exits.push(code), onError: (error) => errors.push(error.message) });
    return { signals, exits, errors, done };
  }

  it("signal: stops in order and returns 0 when it comes once", async () => {
    const log: string[] = [];
    const { signals, exits, done } = run(recording(log, "all"));
    await new Promise((resolve) => setImmediate(resolve));
    signals.emit("SIGTERM", "SIGTERM");
    expect(await done).to.equal(0);
    expect([log, exits]).to.deep.equal([["start all", "stop all"], []]);
    expect(signals.listenerCount("SIGINT")).to.equal(0);
  });

  it("signal: exits now when it comes twice", async () => {
    const gate = Promise.withResolvers<void>();
    const { signals, exits, done } = run(createService({ stop: () => gate.promise }));
    await new Promise((resolve) => setImmediate(resolve));
    signals.emit("SIGINT", "SIGINT");
    signals.emit("SIGINT", "SIGINT");
    expect(exits).to.deep.equal([130]);
    gate.resolve();
    await done;
  });

  it("exit code: is 1 when the service fails at start or later", async () => {
    const atStart = run(recording([], "all", "start"));
    expect([await atStart.done, atStart.errors]).to.deep.equal([1, ["all cannot start"]]);
    const ended = Promise.withResolvers<void>();
    const later = run(createService({ ended: ended.promise }));
    ended.reject(new Error("broke"));
    expect([await later.done, later.errors]).to.deep.equal([1, ["broke"]]);
  });
});
