import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { WebSocket } from "ws";

import { decodeAnswers, encodeSubmissions } from "../../core/codec/stream.ts";
import { LoneCore, until } from "./loneCore.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
const START_MS = 20_000;

/** An error answer, or what became of a bundle. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: {
    readonly error?: { readonly code: string; readonly todo: string };
    readonly results?: readonly { readonly code: string; readonly slot: number; readonly id: number }[];
    readonly [name: string]: unknown;
  };
}

/** A frame of the stream: who asked, which level, and the first byte of the body. */
export interface StreamFrame {
  readonly request: number;
  readonly level: number;
  readonly code: number;
}

/** A client of the stream that gathers what it is told. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly frames: StreamFrame[] = [];
  readonly closed: Promise<number>;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("message", (message: Buffer) => {
      for (const { request, level, body } of decodeAnswers(message) ?? []) this.frames.push({ request, level, code: body[0] ?? 0 });
    });
    this.closed = new Promise((resolve) => socket.on("close", resolve));
  }

  static async open(url: string): Promise<StreamClient> {
    const client = new StreamClient(new WebSocket(`${url.replace("http", "ws")}/v1/stream`));
    await once(client.socket, "open");
    return client;
  }

  send(request: number, bytes: Uint8Array): void {
    this.socket.send(encodeSubmissions([{ request, bytes }]));
  }

  async has(level: number, request: number): Promise<void> {
    await until(`request ${request} is answered with level ${level}`, () => this.frames.some((frame) => frame.request === request && frame.level === level));
  }
}

/** Makes the data of a sequencer, with an account for each key. */
export async function openAccounts(dataDir: string, keys: readonly string[], units: number): Promise<void> {
  const lone = await LoneCore.start(dataDir);
  await lone.deposit(keys, units);
  await lone.stop();
}

/** The file that names the chain of `LoneCore`: contracts that do not exist, no fees. */
export function writeDeployment(file: string, inboxByte = "ab"): void {
  const contract = (byte: string): string => `0x${byte.repeat(20)}`;
  writeFileSync(file, JSON.stringify({
    chainId: 31337,
    genesisHash: `0x${"00".repeat(32)}`,
    contracts: { inbox: contract(inboxByte), settlement: contract("c1"), bridge: contract("c2"), game: contract("c4"), exodus: contract("c5"), adjudicator: contract("c6"), prover: contract("c3") },
    config: { assetScale: "1000000000", feeTable: Array<number>(24).fill(0) },
    blockNumber: 0,
  }));
}

/** The sequencer as an operator runs it, in a process of its own, without an L1. */
export class LiveSequencer {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  url = "";
  output = "";

  private constructor(flags: readonly string[]) {
    this.process = spawn(process.execPath, [MAIN, "--no-posting", "--port", "0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream?.on("data", (data: Buffer) => (this.output += data.toString()));
    this.ended = once(this.process, "close").then(([code]) => code as number | null);
  }

  /** Starts it and does not wait until it serves. */
  static launch(dataDir: string, deployment: string, flags: readonly string[] = []): LiveSequencer {
    return new LiveSequencer(["--data-dir", dataDir, "--deployment", deployment, "--batch-ms", "50", ...flags]);
  }

  static async start(...where: Parameters<typeof LiveSequencer.launch>): Promise<LiveSequencer> {
    const live = LiveSequencer.launch(...where);
    await until("the sequencer serves", () => {
      if (live.process.exitCode !== null) throw new Error(`the sequencer ended with code ${live.process.exitCode}:\n${live.output}`);
      live.url = /"url":"(http:[^"]+)"/.exec(live.output)?.[1] ?? "";
      return live.url !== "";
    }, START_MS);
    return live;
  }

  async get(path: string): Promise<Record<string, unknown>> {
    return (await (await fetch(`${this.url}${path}`)).json()) as Record<string, unknown>;
  }

  async post(bytes: Uint8Array, wait = "durable"): Promise<HttpAnswer> {
    const answer = await fetch(`${this.url}/v1/bundles?wait=${wait}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: Buffer.from(bytes) });
    return { status: answer.status, body: (await answer.json()) as HttpAnswer["body"] };
  }

  /** Ends it with a signal; its exit code, null when the signal killed it. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    return await this.ended;
  }
}
