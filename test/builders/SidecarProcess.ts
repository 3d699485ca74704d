import { join } from "node:path";

import { ChildProgram } from "./ChildProgram.ts";
import { freePort } from "./localChain.ts";

const MAIN = join(import.meta.dirname, "..", "..", "sidecar", "main.ts");
const READY_MS = 120_000;

/** How a sidecar is started: settings by the names of `sidecar/config.ts`. */
export interface SidecarSetup {
  readonly name: string;
  readonly dataDir: string;
  readonly key: string;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Options of Node itself, such as `--max-old-space-size`. Default: none. */
  readonly nodeFlags?: readonly string[] | undefined;
}

interface Ports {
  readonly door: number;
  readonly admin: number;
  readonly gateway: number;
  readonly proxy: number;
  readonly channel: number;
}

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z0-9]+/g, (part) => (/^\d/.test(part) ? part : `-${part.toLowerCase()}`))}`;

/** A sidecar as an operator runs it, with ports that stay the same over its lives. */
export class SidecarProcess {
  readonly setup: SidecarSetup;
  readonly ports: Ports;
  readonly program: ChildProgram;
  /** May be changed before a start. */
  readonly settings: Record<string, string | number | boolean>;
  lives = 0;

  private constructor(setup: SidecarSetup, ports: Ports) {
    [this.setup, this.ports] = [setup, ports];
    this.settings = { ...setup.settings, port: ports.door, adminPort: ports.admin, gatewayPort: ports.gateway, proxyPort: ports.proxy, channelListen: `tls://127.0.0.1:${ports.channel}`, dataDir: setup.dataDir };
    this.program = new ChildProgram(`the sidecar ${setup.name}`, process.execPath, () => [...(setup.nodeFlags ?? []), MAIN, ...this.#flags()], { AGNT2_KEY: setup.key });
  }

  #flags(): string[] {
    return Object.entries(this.settings).flatMap(([name, value]) => (value === true ? [flagOf(name)] : [flagOf(name), String(value)]));
  }

  static async create(setup: SidecarSetup): Promise<SidecarProcess> {
    const [door, admin, gateway, proxy, channel] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
    return new SidecarProcess(setup, { door, admin, gateway, proxy, channel });
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.door}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.ports.admin}`;
  }

  /** Under which the own service reaches an agent that the settings name. */
  remote(agent: string): string {
    return `http://127.0.0.1:${this.ports.gateway}/agents/${agent}`;
  }

  /** Resolves when the first start is done, every way works, and door and gateway are open. */
  async start(): Promise<void> {
    this.lives += 1;
    await this.program.start(async () => {
      const report = await this.readiness();
      if (report?.ready !== true || report.missingSteps.length > 0 || Object.values(report.ways).includes(false)) return false;
      const doors = [...(this.settings["upstream"] === undefined ? [] : [this.url]), `http://127.0.0.1:${this.ports.gateway}`];
      const open = await Promise.all(doors.map((url) => fetch(url, { method: "HEAD" }).catch(() => undefined)));
      return !open.includes(undefined);
    }, READY_MS);
  }

  /** Undefined while nobody answers. */
  async readiness(): Promise<{ readonly ready: boolean; readonly missingSteps: readonly string[]; readonly ways: Readonly<Record<string, boolean>> } | undefined> {
    const answer = await fetch(`${this.adminUrl}/ready`).catch(() => undefined);
    return (await answer?.json()) as Awaited<ReturnType<SidecarProcess["readiness"]>>;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text();
  }

  /** Payments that came in so far in this life, by way. */
  async settled(way: string): Promise<number> {
    const line = (await this.metrics()).split("\n").find((each) => each.startsWith("agnt2_sidecar_payments_total{") && each.includes(`way="${way}"`) && each.includes('outcome="settled"'));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ")));
  }

  kill(): Promise<void> {
    return this.program.kill();
  }

  stop(): Promise<void> {
    return this.program.stop();
  }
}
