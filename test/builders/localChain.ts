import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

import { FailoverProvider } from "../../chain/FailoverProvider.ts";

export type ChainKind = "hardhat" | "anvil";

/** A local L1 in a process of its own, on a free port of the loopback. */
export interface LocalChain {
  readonly kind: ChainKind;
  readonly url: string;
  readonly chainId: number;
  readonly provider: FailoverProvider;
  send(method: string, params?: unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** The first well-known development key of Hardhat and anvil (mnemonic "test … junk"): worthless on any real chain. */
export const DEVELOPMENT_KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
] as const;

const CHAIN_ID = 31337;
const ROOT = join(import.meta.dirname, "..", "..");
const BIN = join(ROOT, "node_modules", ".bin");

/** Below those that systems give to outgoing connections: nobody takes one between the look and its use, but by a rare chance. */
const LEAST_PORT = 12_000;
const MOST_PORT = 32_000;

/** A port of the loopback that nobody has now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LEAST_PORT, MOST_PORT);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

function commandOf(kind: ChainKind, port: number, isAutomatic: boolean, chainId: number): [string, string[]] {
  if (kind === "anvil") {
    const mining = isAutomatic ? [] : ["--no-mining"];
    return [join(BIN, "anvil"), ["--port", String(port), "--host", "127.0.0.1", "--silent", "--chain-id", String(chainId), "--order", "fifo", ...mining]];
  }
  return [join(BIN, "node"), [join(BIN, "hardhat"), "node", "--port", String(port), "--hostname", "127.0.0.1"]];
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the local chain ended with code ${child.exitCode}`);
    try {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      if (answer.ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`no local chain at ${url} after 30 s`);
}

/** Starts a chain; with `isAutomatic` (default) every transaction is mined at once. */
export async function startLocalChain(kind: ChainKind, options: { isAutomatic?: boolean; port?: number; chainId?: number; blockSeconds?: number } = {}): Promise<LocalChain> {
  const { isAutomatic = true } = options;
  const port = options.port ?? (await freePort());
  const chainId = options.chainId ?? CHAIN_ID;
  const [command, flags] = commandOf(kind, port, isAutomatic, chainId);
  const args = options.blockSeconds === undefined ? flags : [...flags, "--block-time", String(options.blockSeconds)];
  const child = spawn(command, args, { cwd: ROOT, stdio: "ignore" });
  // However the tests end, the chain ends with them.
  const killChild = (): void => void child.kill("SIGKILL");
  process.once("exit", killChild);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswering(url, child);
  const provider = new FailoverProvider({ urls: [url], chainId, timeoutMs: 5_000, receiptPollMs: 50 });
  if (kind === "hardhat" && !isAutomatic) await provider.send("evm_setAutomine", [false]);
  return {
    kind,
    url,
    chainId,
    provider,
    send: (method, params = []) => provider.send(method, params) as Promise<unknown>,
    async stop() {
      provider.destroy();
      process.off("exit", killChild);
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
