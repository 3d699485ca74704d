import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { freePort } from "./freePort.ts";
import { processFigures } from "./processFigures.ts";

const ANVIL = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "anvil");
const READY_MS = 30_000;
/** States of earlier blocks that calls may still ask for; without a bound anvil writes each of them to disk. */
const KEPT_STATES = 512;

/** An L1 of the benchmark's own: anvil, which mines each transaction at once. */
export interface Anvil {
  readonly url: string;
  /** A JSON-RPC call. @throws Error with the node's message */
  send<T>(method: string, params?: readonly unknown[]): Promise<T>;
  /** User and system time so far, seconds. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** @throws Error when it does not start */
export async function startAnvil(): Promise<Anvil> {
  const port = await freePort();
  const flags = ["--host", "127.0.0.1", "--port", String(port), "--silent", "--chain-id", "31337", "--order", "fifo", "--prune-history", String(KEPT_STATES)];
  const child = spawn(ANVIL, flags, { stdio: "ignore" });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const url = `http://127.0.0.1:${port}`;
  const send = async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
    const answer = (await response.json()) as { result?: T; error?: { message: string } };
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result as T;
  };
  const startedAt = performance.now();
  // A refused connection: not listening yet.
  while ((await send("eth_chainId").catch(() => undefined)) === undefined) {
    if (child.exitCode !== null || performance.now() - startedAt > READY_MS) throw new Error("anvil did not start; it comes with the optional package @foundry-rs/anvil-linux-amd64");
    await pause(50);
  }
  return {
    url,
    send,
    cpuSeconds: () => processFigures(child.pid).cpuSeconds,
    async stop() {
      process.off("exit", kill);
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
