import { EventEmitter } from "node:events";

import { expect } from "chai";

import { createService } from "../../../runtime/lifecycle/createService.ts";
import { runUntilStopped } from "../../../runtime/lifecycle/runUntilStopped.ts";
import type { Service, StopReason } from "../../../runtime/lifecycle/Service.ts";
import { STOP_ORDER, ServiceGroup } from "../../../runtime/lifecycle/ServiceGroup.ts";
import { rejection } from "./rejection.ts";

const asked: StopReason = { kind: "requested", by: "test" };

function recording(log: string[], name: string, failOn?: "start" | "stop"): Service {
  const act = (action: "start" | "stop") => () => {
    log.push(`${action} ${name}`);
    if (failOn === action) throw new Error(`${name} cannot ${action}`);
  };
  return createService({ start: act("start"), stop: act("stop") });
}

describe("ServiceGroup", () => {
  it("stop: goes from intake to metrics and start the other way when parts were added in any order", async () => {
    const log: string[] = [];
    const group = new ServiceGroup();
    for (const stage of ["stores", "intake", "metrics", "transactions", "workers"] as const) group.add(stage, stage, recording(log, stage));
    await group.start();
    expect(log).to.deep.equal(STOP_ORDER.toReversed().map((stage) => `start ${stage}`));
    log.length = 0;
    await Promise.all([group.stop(asked), group.stop(asked)]);
    expect(log).to.deep.equal(STOP_ORDER.map((stage) => `stop ${stage}`));
    expect(await group.stopped).to.deep.equal(asked);
  });

  it("start: stops what has started and rejects when a part fails", async () => {
    const log: string[] = [];
    const group = new ServiceGroup();
    group.add("stores", "store", recording(log, "store"));
    group.add("workers", "worker", recording(log, "worker", "start"));
    group.add("intake", "intake", recording(log, "intake"));
    const message = await group.start().catch((error: Error) => error.message);
    expect(message).to.equal("worker cannot start");
    expect(log).to.deep.equal(["start store", "start worker", "stop worker", "stop store"]);
    expect((await group.stopped).kind).to.equal("failed");
  });

  it("stop: stops the others too when one part fails to stop", async () => {
    const log: string[] = [];
    const group = new ServiceGroup();
    group.add("stores", "store", recording(log, "store"));
    group.add("intake", "intake", recording(log, "intake", "stop"));
    await group.start();
    const error = await rejection("lifecycle/stopFailed", () => group.stop(asked));
    expect(error.payload).to.deep.equal({ members: ["intake"] });
    expect(log).to.include("stop store");
  });

  it("stop: names who hangs when the deadline passes", async () => {
    const group = new ServiceGroup({ stopDeadlineMs: 20 });
    group.add("workers", "stuck", createService({ stop: () => new Promise(() => undefined) }));
    await group.start();
    const error = await rejection("lifecycle/stopDeadline", () => group.stop(asked));
    expect(error.payload).to.deep.include({ members: ["stuck"] });
    await group.stopped;
  });

  it("stopped: follows a part when that ends by itself", async () => {
    const log: string[] = [];
    const ended = Promise.withResolvers<void>();
    const group = new ServiceGroup();
    group.add("stores", "store", recording(log, "store"));
    group.add("workers", "worker", createService({ ended: ended.promise }));
    await group.start();
    ended.reject(new Error("lost its socket"));
    const reason = await group.stopped;
    expect(reason.kind === "failed" && reason.error.message).to.equal("lost its socket");
    expect(log).to.deep.equal(["start store", "stop store"]);
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
