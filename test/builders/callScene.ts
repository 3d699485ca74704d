import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Agnt2Client, createKeySigner } from "../../sdk/index.ts";
import type { Agent, AgentOptions } from "../../sdk/index.ts";
import { LiveSequencer, openAccounts, writeDeployment } from "./liveSequencer.ts";

const KEYS = [1, 2, 3].map((number) => `0x${String(number).repeat(64)}`);
const DEPOSIT_UNITS = 1_000_000;
/** Base units in one unit of the chain. */
export const CALL_SCALE = 1_000_000_000n;

/** A real sequencer without an L1, and three agents with money: a buyer, a seller and somebody else. */
export class CallScene {
  readonly #dir: string;
  readonly #clients: Agnt2Client[] = [];
  sequencer: LiveSequencer;
  url: string;

  private constructor(dir: string, sequencer: LiveSequencer) {
    [this.#dir, this.sequencer, this.url] = [dir, sequencer, sequencer.url];
  }

  static async start(): Promise<CallScene> {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-calls-"));
    await openAccounts(join(dir, "data"), KEYS, DEPOSIT_UNITS);
    writeDeployment(join(dir, "deployment.json"));
    return new CallScene(dir, await LiveSequencer.start(join(dir, "data"), join(dir, "deployment.json")));
  }

  /** It dies as in a power cut. */
  async killSequencer(): Promise<void> {
    await this.sequencer.end("SIGKILL");
  }

  /** On the same port, with what it had. */
  async restartSequencer(): Promise<void> {
    this.sequencer = await LiveSequencer.start(join(this.#dir, "data"), join(this.#dir, "deployment.json"), ["--port", new URL(this.url).port]);
  }

  /** @param number 0: the buyer, 1: the seller, 2: somebody else */
  async agent(number: 0 | 1 | 2, options: Partial<AgentOptions> = {}): Promise<Agent> {
    const client = new Agnt2Client({ sequencerUrl: this.url });
    this.#clients.push(client);
    return client.agent({ signer: createKeySigner(KEYS[number]!), ...options });
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.sequencer.end();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
