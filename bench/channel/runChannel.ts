import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Histogram } from "./Histogram.ts";
import type { LoadOptions, LoadReport, SideOptions, SideReport } from "./SideOptions.ts";

/** A run: two fresh processes, a load, and what both counted. */
export interface ChannelPlan extends Omit<SideOptions, "side" | "dir"> {
  readonly load: "maximum" | "fixed";
  readonly callsPerSecond: number | undefined;
  readonly window: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Added to each round trip, half of it each way. */
  readonly addedDelayMs: number;
  readonly profileDir?: string | undefined;
}

export interface ChannelRun {
  readonly mode: "each" | "chained";
  readonly pairs: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly load: "maximum" | "fixed";
  readonly wantedPerSecond: number | undefined;
  readonly addedDelayMs: number;
  readonly transport: string;
  readonly seconds: number;
  readonly payloadBytes: number;
  readonly window: number;
  /** Calls that one of the payer's signatures covered, over the whole run. */
  readonly callsPerSignature: number;
  readonly payer: SideReport;
  readonly payee: SideReport;
  /** Answers by latency: upper bound in ms and count, empty buckets left out. */
  readonly histogram: readonly (readonly [number, number])[];
}

type Message = { readonly ready?: string; readonly result?: LoadReport; readonly report?: SideReport; readonly port?: number; readonly failed?: string };

/** The next message that has `key`. @throws Error when the process fails or ends first */
async function receive<K extends keyof Message>(child: ChildProcess, key: K): Promise<NonNullable<Message[K]>> {
  return await new Promise((resolve, reject) => {
    const end = (then: () => void): void => {
      child.off("message", take);
      child.off("exit", gone);
      then();
    };
    const gone = (code: number | null): void => end(() => reject(new Error(`a process of the benchmark ended with ${String(code)}`)));
    const take = (message: Message): void => {
      const { failed, [key]: found } = message;
      if (failed !== undefined) end(() => reject(new Error(failed)));
      else if (found !== undefined) end(() => resolve(found));
    };
    child.on("message", take);
    child.on("exit", gone);
  });
}

function start(file: string, args: readonly string[], profileDir?: string): ChildProcess {
  const execArgv = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  return fork(join(import.meta.dirname, file), args, { execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

async function stopSide(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const isGone = once(child, "exit");
  child.send({ ask: "stop" });
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await isGone;
  clearTimeout(timer);
}

/** @throws Error when a process fails, a call is not answered, or the two sides disagree */
export async function runChannel(plan: ChannelPlan): Promise<ChannelRun> {
  const dir = mkdtempSync(join(tmpdir(), "agnt2-bench-channel-"));
  const { mode, pairs, transport, payloadBytes, maxCallsPerFrame, maxInFlight, load, callsPerSecond, window, seconds, warmUpSeconds, addedDelayMs, profileDir } = plan;
  const side = (name: SideOptions["side"]): ChildProcess => {
    const options: SideOptions = { side: name, dir: join(dir, name), mode, pairs, transport, payloadBytes, maxCallsPerFrame, maxInFlight };
    return start("side.ts", [JSON.stringify(options)], profileDir);
  };
  const [payer, payee] = [side("payer"), side("payee")];
  let proxy: ChildProcess | undefined;
  try {
    let [address] = await Promise.all([receive(payee, "ready"), receive(payer, "ready")]);
    if (addedDelayMs > 0) {
      const [, port = ""] = /(?::|\/tcp\/)(\d+)/.exec(address.replace("tls://", "")) ?? [];
      proxy = start("delayProxy.ts", [port, String(addedDelayMs / 2)]);
      address = address.replace(port, String(await receive(proxy, "port")));
    }
    const order: LoadOptions = { address, warmUpSeconds, seconds, callsPerSecond, window };
    const loaded = receive(payer, "result");
    payer.send({ load: order });
    const result = await loaded;
    const reported = receive(payee, "report");
    payee.send({ ask: "report" });
    const served = await reported;
    if (result.calls !== served.calls || result.paidUnits !== served.paidUnits) throw new Error(`the two sides disagree: ${JSON.stringify([result, served])}`);
    const histogram = new Histogram(Float64Array.from(result.counts));
    const { counts, answered, seconds: measured, ...payerReport } = result;
    const round = (value: number): number => Number(value.toPrecision(3));
    return {
      mode, pairs, callsPerSecond: Math.round(answered / measured), p50Ms: round(histogram.quantileMs(0.5)), p99Ms: round(histogram.quantileMs(0.99)),
      load, wantedPerSecond: callsPerSecond, addedDelayMs, transport, seconds: measured, payloadBytes, window,
      callsPerSignature: round(result.calls / Math.max(1, result.signatures)), payer: payerReport, payee: served,
      histogram: counts.flatMap((count, bucket) => (count > 0 ? [[round(Histogram.boundMs(bucket)), count] as const] : [])),
    };
  } finally {
    await Promise.all([stopSide(payer), stopSide(payee)]);
    proxy?.disconnect();
    proxy?.kill();
    rmSync(dir, { recursive: true, force: true });
  }
}
