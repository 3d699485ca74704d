import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";

import type { Provider } from "ethers";

import { freeDiskBytes } from "../../runtime/files/freeDisk.ts";
import type { SidecarSettings } from "../config.ts";
import { parseUpstreamAddress } from "../door/upstream/UpstreamAddress.ts";
import type { Way, WayName } from "../ways/Way.ts";

const LOOK_MS = 5_000;
const PROBE_MS = 3_000;
const MIB = 2 ** 20;

export interface ReadinessOptions {
  readonly settings: SidecarSettings;
  readonly provider: Pick<Provider, "getBlock">;
  readonly ways: readonly Pick<Way, "name" | "isReady">[];
  /** Steps of the first start that are not done. */
  readonly missingSteps: () => readonly string[];
  readonly isDraining: () => boolean;
  /** Whether everything that is asked for listens: door, gateway, proxy. */
  readonly isListening: () => boolean;
  /** Whether payments can be written down now. */
  readonly canClaim: () => boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/** What a sidecar can do now. */
export interface ReadinessReport {
  /** All that was asked for listens, at least one way to be paid works, the service answers, and what is served can be written down. */
  readonly ready: boolean;
  /** What is wrong, in words; also what does not make it unready, such as a way that is away. */
  readonly problems: readonly string[];
  readonly ways: Readonly<Partial<Record<WayName, boolean>>>;
  readonly missingSteps: readonly string[];
  readonly upstream: boolean | undefined;
  readonly freeDiskMb: number | undefined;
  /** By how much this machine's clock differs from the chain's servers; positive: it is behind. Undefined: nobody could be asked. */
  readonly clockBehindSeconds: number | undefined;
}

/** Whether something listens there. */
export async function isReachable(upstream: string, timeoutMs = PROBE_MS): Promise<boolean> {
  const { isTls, host, port, socketPath } = parseUpstreamAddress(upstream);
  return new Promise((resolve) => {
    // Nothing is said on this connection: whose certificate it is, is for the door to check.
    const at = socketPath === undefined ? { host: host!, port } : { path: socketPath };
    const socket = isTls ? connectTls({ ...at, ...(host === undefined || isIP(host) !== 0 ? {} : { servername: host }), rejectUnauthorized: false }) : connect(at);
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once(isTls ? "secureConnect" : "connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Looks at what the sidecar stands on, now and then; the answer is at hand at once. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;
  #upstream: boolean | undefined;
  #freeDiskMb: number | undefined;
  #clockBehindSeconds: number | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.look();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.look().then(() => this.#schedule()), LOOK_MS);
  }

  /** Looks now. Never rejects: what cannot be asked is not known. */
  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { settings } = this.#options;
    const [upstream, free, clock] = await Promise.all([
      settings.upstream === undefined ? undefined : isReachable(settings.upstream),
      freeDiskBytes(settings.dataDir).catch(() => undefined),
      this.#clockBehind(),
    ]);
    [this.#upstream, this.#clockBehindSeconds] = [upstream, clock];
    this.#freeDiskMb = free === undefined ? undefined : Math.floor(free / MIB);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  /** The date that the sequencer's server gives, and L1's last block where that is ahead of this clock. */
  async #clockBehind(): Promise<number | undefined> {
    const { settings, provider } = this.#options;
    const askedMs = this.#now();
    const [date, block] = await Promise.all([readDate(`${settings.sequencer}/health`), readBlockSeconds(provider)]);
    const middleSeconds = (askedMs + this.#now()) / 2_000;
    // A block may be as old as it likes: a quiet chain makes none. The date has whole seconds, cut off.
    const byBlock = block === undefined ? undefined : Math.max(0, block - middleSeconds);
    const byDate = date === undefined ? undefined : Math.abs(date + 0.5 - middleSeconds) < 1 ? 0 : date - middleSeconds;
    if (byBlock === undefined || byDate === undefined) return byBlock ?? byDate;
    return Math.abs(byBlock) > Math.abs(byDate) ? byBlock : byDate;
  }

  report(): ReadinessReport {
    const { settings, ways, missingSteps, isDraining, isListening, canClaim } = this.#options;
    const offered = Object.fromEntries(ways.map(({ name, isReady }) => [name, isReady])) as ReadinessReport["ways"];
    const skew = Math.abs(this.#clockBehindSeconds ?? 0);
    const isSelling = settings.upstream !== undefined;
    const missing = missingSteps();
    const fatal = [
      isDraining() ? "it is being stopped" : isListening() ? "" : "it is starting",
      isSelling && !ways.some(({ isReady }) => isReady) ? "no way to be paid works" : "",
      isSelling && this.#upstream === false ? "the service behind does not answer" : "",
      this.#freeDiskMb !== undefined && this.#freeDiskMb < settings.minFreeDiskMb ? `the disk of the data folder has ${this.#freeDiskMb} MiB left` : "",
      !canClaim() ? "payments cannot be written down" : "",
      skew > settings.maxClockSkewSeconds ? `the clock is ${Math.round(skew)} s ${this.#clockBehindSeconds! > 0 ? "behind" : "ahead of"} the chain's` : "",
    ].filter((problem) => problem !== "");
    const others = [
      ...missing.map((step) => `first start: ${step} is not done`),
      ...ways.filter(({ isReady }) => !isReady).map(({ name }) => `payments by ${name} are not taken now`),
    ];
    const isDone = isSelling || missing.length === 0;
    return {
      ready: fatal.length === 0 && isDone, problems: [...fatal, ...others], ways: offered, missingSteps: missing,
      upstream: this.#upstream, freeDiskMb: this.#freeDiskMb, clockBehindSeconds: this.#clockBehindSeconds === undefined ? undefined : Math.round(this.#clockBehindSeconds),
    };
  }
}

async function readDate(url: string): Promise<number | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS), redirect: "error" }).catch(() => undefined);
  await response?.body?.cancel().catch(() => undefined);
  const seconds = Date.parse(response?.headers.get("date") ?? "") / 1000;
  return Number.isNaN(seconds) ? undefined : seconds;
}

async function readBlockSeconds(provider: Pick<Provider, "getBlock">): Promise<number | undefined> {
  const asked = provider.getBlock("latest").then((block) => block?.timestamp, () => undefined);
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => timeout.resolve(undefined), PROBE_MS);
  try {
    return await Promise.race([asked, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
