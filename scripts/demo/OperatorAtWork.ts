import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { ROOT } from "./ChildService.ts";
import type { ChildService } from "./ChildService.ts";
import { DemoError } from "./LocalNetwork.ts";
import type { LocalNetwork } from "./LocalNetwork.ts";
import type { Character } from "./Story.ts";

const NODE = join(ROOT, "node_modules", ".bin", "node");
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** What the agent printed: one JSON document a line. */
export type AgentEvent = Readonly<Record<string, unknown>> & { readonly event: string };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Somebody's agent that wants to be hired as a sequencer: a process of its own with an API address, a key and a policy file. */
export class OperatorAtWork {
  readonly who: Character;
  /** What it was started with. */
  readonly policyFile: string;
  /** Where its sequencer will answer. */
  readonly endpoint: string;
  readonly #child: ChildService;

  private constructor(who: Character, policyFile: string, endpoint: string, child: ChildService) {
    [this.who, this.policyFile, this.endpoint, this.#child] = [who, policyFile, endpoint, child];
  }

  /** @param pricePerUnit whole units for a counted batch */
  static async start(network: LocalNetwork, who: Character, pricePerUnit: string): Promise<OperatorAtWork> {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const name = who.name.toLowerCase();
    const dataDir = join(network.directory, `agent-${name}`);
    await mkdir(dataDir, { recursive: true });
    const sequencer = [NODE, join(ROOT, "services", "sequencer", "main.ts"), "--port", String(port), "--l1-url", "{l1}", "--deployment", "{deployment}", "--data-dir", "{data}", "--adopt", "--poll-ms", "250"];
    const policy = {
      role: "operator", l1Url: network.l1Url, pollMs: 400, dataDir, pricePerUnit, minUnits: 10, minPosterCalls: 1,
      agent: { name: who.name, description: "Also runs sequencers", services: [{ name: "sequencer", endpoint }] },
      limits: { stake: "0.5", operatorBond: "1", reserve: "1", minSilenceSeconds: 5, minGraceSeconds: 5 },
      claim: { units: 1, seconds: 1 },
      sequencer: { command: sequencer, health: `${endpoint}/health` },
    };
    const policyFile = join(dataDir, "policy.json");
    await writeFile(policyFile, JSON.stringify(policy, null, 2));
    const args = [join(ROOT, "cli", "bin", "agnt2.mjs"), "--json", "--api", network.apiUrl, "agent", "run", "--policy", policyFile];
    return new OperatorAtWork(who, policyFile, endpoint, network.program(`agent of ${who.name}`, args, { AGNT2_KEY: who.key }));
  }

  get events(): AgentEvent[] {
    if (!existsSync(this.#child.logFile)) return [];
    return readFileSync(this.#child.logFile, "utf8").split("\n").filter((line) => line.startsWith('{"event"')).map((line) => JSON.parse(line) as AgentEvent);
  }

  /** The next event of that name after `seen` of them. */
  async told(event: string, seen = 0): Promise<AgentEvent> {
    let hasEnded = false;
    const noteEnd = (): void => void (hasEnded = true);
    // However it ended: its last words are told below.
    void this.#child.ended.then(noteEnd, noteEnd);
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end && !hasEnded; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
      const found = this.events.filter((each) => each.event === event)[seen];
      if (found !== undefined) return found;
    }
    throw new DemoError(`The agent of ${this.who.name} did not come to "${event}". Its last words:\n${this.#child.lastLines}`);
  }

  /** Ends the agent and its sequencer at once, without a word. */
  async vanish(): Promise<void> {
    const { pid } = await this.told("sequencer-started");
    this.#child.kill();
    process.kill(Number(pid), "SIGKILL");
    await this.#child.ended;
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.#child.stop();
  }
}
