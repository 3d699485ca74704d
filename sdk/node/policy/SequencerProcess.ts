import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { PolicyError } from "./PolicyError.ts";

const HEALTH_MS = 2_000;
const STOP_MS = 15_000;
const LOOK_MS = 50;
/** A process that ends within this time of its start is started again later each time. */
const SHORT_LIFE_MS = 20_000;
const MOST_PAUSE_MS = 60_000;

export interface SequencerCommand {
  /** Program and arguments; `{l1}`, `{deployment}` and `{data}` are filled in. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly health: string;
  /** So long without an answer, and it is ended and started again. */
  readonly unhealthySeconds: number;
}

export interface SequencerPlace {
  readonly bounty: number;
  readonly l1Url: string;
  readonly deploymentFile: string;
  /** Its data; a new one for each chain. */
  readonly dataDir: string;
}

export type SequencerNotice =
  | { readonly kind: "started"; readonly bounty: number; readonly pid: number }
  | { readonly kind: "found"; readonly bounty: number; readonly pid: number }
  | { readonly kind: "up"; readonly bounty: number; readonly pid: number }
  | { readonly kind: "ended"; readonly bounty: number; readonly pid: number; readonly how: string }
  | { readonly kind: "silent"; readonly bounty: number; readonly pid: number };

interface Running {
  readonly bounty: number;
  readonly pid: number;
  readonly dataDir: string;
  /** Undefined for one that an earlier life of this agent started. */
  readonly child: ChildProcess | undefined;
  readonly startedAtMs: number;
  healthyAtMs: number;
  wasUp: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether a process lives and has this folder in its command line: numbers of processes are used again. */
function isOurs(pid: number, dataDir: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
  const file = `/proc/${pid}/cmdline`;
  if (existsSync("/proc/self/cmdline")) return existsSync(file) && readFileSync(file, "utf8").includes(dataDir);
  throw new PolicyError("policy/orphan", { pid }, "stop", { what: `Process ${pid} may be the sequencer that this agent started before it was killed`, todo: "End it, remove sequencer.json from the agent's folder, and start the agent again" });
}

/** The program that does the work of a hired operator. It outlives an agent that is killed, and is found again by it. */
export class SequencerProcess {
  readonly #options: SequencerCommand;
  readonly #dir: string;
  readonly #onNotice: (notice: SequencerNotice) => void;
  #running: Running | undefined;
  #shortLives = 0;
  #notBeforeMs = 0;

  /** @param dir folder of the agent, for the process's number and what it prints */
  constructor(options: SequencerCommand, dir: string, onNotice: (notice: SequencerNotice) => void) {
    [this.#options, this.#dir, this.#onNotice] = [options, dir, onNotice];
  }

  get #file(): string {
    return join(this.#dir, "sequencer.json");
  }

  /** Takes up one that an earlier life of the agent left running. @throws PolicyError `policy/orphan` */
  async find(): Promise<void> {
    if (!existsSync(this.#file)) return;
    const { pid, bounty, dataDir } = JSON.parse(readFileSync(this.#file, "utf8")) as { pid: number; bounty: number; dataDir: string };
    if (!isOurs(pid, dataDir)) return;
    this.#running = { bounty, pid, dataDir, child: undefined, startedAtMs: Date.now(), healthyAtMs: Date.now(), wasUp: false };
    this.#onNotice({ kind: "found", bounty, pid });
  }

  /** Which bounty it works for and whether it lives; ends one that was silent for too long. */
  async look(): Promise<{ readonly bounty: number; readonly isUp: boolean } | undefined> {
    const running = this.#running;
    if (running === undefined) return undefined;
    const { bounty, pid, child } = running;
    const hasEnded = child === undefined ? !isOurs(pid, running.dataDir) : child.exitCode !== null || child.signalCode !== null;
    if (hasEnded) {
      await this.#forget(child === undefined ? "unknown" : (child.signalCode ?? `code ${child.exitCode}`));
      return { bounty, isUp: false };
    }
    if (await this.#isHealthy()) {
      running.healthyAtMs = Date.now();
      if (!running.wasUp) this.#onNotice({ kind: "up", bounty, pid });
      running.wasUp = true;
    } else if (Date.now() - running.healthyAtMs > this.#options.unhealthySeconds * 1000) {
      this.#onNotice({ kind: "silent", bounty, pid });
      await this.stop();
      return { bounty, isUp: false };
    }
    return { bounty, isUp: true };
  }

  async #isHealthy(): Promise<boolean> {
    try {
      return (await fetch(this.#options.health, { signal: AbortSignal.timeout(HEALTH_MS) })).ok;
    } catch {
      return false;
    }
  }

  /** Starts it, unless it runs or ended so soon lately that it has to wait. Resolves when it is on its way, not when it is up. */
  async start({ bounty, l1Url, deploymentFile, dataDir }: SequencerPlace, keyEnv: Readonly<Record<string, string>>): Promise<void> {
    if (this.#running !== undefined || Date.now() < this.#notBeforeMs) return;
    const filled = this.#options.command.map((part) => part.replaceAll("{l1}", l1Url).replaceAll("{deployment}", deploymentFile).replaceAll("{data}", dataDir));
    const [program, ...args] = filled as [string, ...string[]];
    mkdirSync(dataDir, { recursive: true });
    // A file and no pipe: it goes on printing when the agent is killed.
    const log = openSync(join(this.#dir, "sequencer.log"), "a", 0o600);
    // A group of its own: Ctrl-C reaches the agent, which then ends it in order.
    const child = spawn(program, args, { env: { ...this.#options.env, ...keyEnv }, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid!));
    });
    this.#running = { bounty, pid, dataDir, child, startedAtMs: Date.now(), healthyAtMs: Date.now(), wasUp: false };
    await writeFileAtomic(this.#file, `${JSON.stringify({ pid, bounty, dataDir })}\n`);
    this.#onNotice({ kind: "started", bounty, pid });
  }

  async #forget(how: string): Promise<void> {
    const { bounty, pid, startedAtMs } = this.#running!;
    this.#running = undefined;
    this.#shortLives = Date.now() - startedAtMs < SHORT_LIFE_MS ? this.#shortLives + 1 : 0;
    // The first one is started again at once.
    this.#notBeforeMs = this.#shortLives < 2 ? 0 : Date.now() + Math.min(MOST_PAUSE_MS, 1000 * 2 ** Math.min(this.#shortLives, 10));
    await rm(this.#file, { force: true });
    this.#onNotice({ kind: "ended", bounty, pid, how });
  }

  /** Asks it to end; ends it for good when it does not. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const { pid, dataDir, child } = running;
    const isGone = (): boolean => (child === undefined ? !isOurs(pid, dataDir) : child.exitCode !== null || child.signalCode !== null);
    const signal = (name: NodeJS.Signals): void => {
      if (!isGone()) process.kill(pid, name);
    };
    signal("SIGTERM");
    for (const end = Date.now() + STOP_MS; !isGone() && Date.now() < end; ) await pause(LOOK_MS);
    signal("SIGKILL");
    while (!isGone()) await pause(LOOK_MS);
    await this.#forget("stopped");
  }
}
