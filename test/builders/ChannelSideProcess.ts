import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

interface Direction {
  readonly sequence: number;
  readonly acked: number;
  readonly paid: number;
  readonly credit: number;
  readonly results: number;
  readonly openCalls: number;
  readonly callsHash: string;
  readonly resultsHash: string;
}

/** What a side says of itself. */
export interface SideStatus {
  readonly phase: string;
  readonly frozenBy: string | undefined;
  readonly version: number;
  readonly outgoing: Direction;
  readonly incoming: Direction;
}

interface Message {
  readonly ready?: true;
  readonly status?: SideStatus;
  readonly results?: readonly [sequence: number, status: number, response: string][];
  readonly served?: readonly [sequence: number, request: string, isRepeated: boolean][];
  readonly alarm?: { readonly code: string; readonly detail: string };
}

/** One side of a channel, in a process that can be killed and started again on the same data. */
export class ChannelSideProcess {
  readonly side: 0 | 1;
  readonly dir: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  /** Answers that its program was told of: sequence to status and response. A second telling must say the same. */
  readonly results = new Map<number, string>();
  /** Requests that it ran: sequence to request. */
  readonly served = new Map<number, string>();
  readonly alarms: string[] = [];
  /** What must never be. */
  readonly faults: string[] = [];

  constructor(side: 0 | 1, dir: string, port: number) {
    this.side = side;
    this.dir = join(dir, String(side));
    this.#port = port;
    mkdirSync(this.dir, { recursive: true });
  }

  start(): void {
    const child = fork(join(import.meta.dirname, "channelSide.ts"), [JSON.stringify({ side: this.side, dir: this.dir, port: this.#port })], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child = child;
    child.on("message", (message: Message) => this.#heard(message));
    child.on("exit", (code, signal) => {
      if (signal !== "SIGKILL" && code !== 0) this.faults.push(`side ${this.side} ended with ${String(code ?? signal)}`);
    });
  }

  #heard({ results = [], served = [], alarm }: Message): void {
    for (const [sequence, status, response] of results) {
      const said = `${status} ${response}`;
      const before = this.results.get(sequence);
      if (before !== undefined && before !== said) this.faults.push(`call ${sequence} of side ${this.side} was answered ${before} and then ${said}`);
      this.results.set(sequence, said);
    }
    for (const [sequence, request, isRepeated] of served) {
      const before = this.served.get(sequence);
      if (before !== undefined && before !== request) this.faults.push(`side ${this.side} ran two requests as call ${sequence}`);
      if (before !== undefined && !isRepeated) this.faults.push(`side ${this.side} ran call ${sequence} again without a word`);
      this.served.set(sequence, request);
    }
    if (alarm !== undefined) this.alarms.push(`${alarm.code}: ${alarm.detail}`);
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child!;
    const isGone = once(child, "exit");
    child.kill("SIGKILL");
    await isGone;
  }

  /** No more new calls. */
  quiet(): void {
    this.#child!.send({ ask: "quiet" });
  }

  async status(): Promise<SideStatus> {
    const child = this.#child!;
    return await new Promise((resolve, reject) => {
      const end = (then: () => void): void => {
        child.off("message", take);
        child.off("exit", gone);
        then();
      };
      const take = ({ status }: Message): void => {
        if (status !== undefined) end(() => resolve(status));
      };
      const gone = (): void => end(() => reject(new Error(`side ${this.side} is gone`)));
      child.on("message", take);
      child.on("exit", gone);
      if (child.connected) child.send({ ask: "status" });
      else gone();
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const isGone = once(child, "exit");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.send({ ask: "stop" });
    await isGone;
    clearTimeout(timer);
  }
}
