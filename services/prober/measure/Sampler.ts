import type { Clock } from "../../../runtime/clock/Clock.ts";
import type { Sample } from "./measureEndpoint.ts";

export interface SamplerOptions {
  readonly everyMs: number;
  readonly clock: Clock;
  readonly measure: (url: string, signal: AbortSignal) => Promise<Sample>;
  /** Told of each sample that was not broken off. */
  readonly onSample: (url: string, sample: Sample) => void;
}

/** Takes samples of each endpoint at regular times, one at a time for each. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #running = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>();

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Measures these from now on, and no others. */
  watch(urls: ReadonlySet<string>): void {
    for (const [url, { controller }] of this.#running) {
      if (urls.has(url)) continue;
      controller.abort();
      this.#running.delete(url);
    }
    for (const url of urls) {
      if (this.#running.has(url)) continue;
      const controller = new AbortController();
      this.#running.set(url, { controller, ended: this.#run(url, controller.signal) });
    }
  }

  /** Resolves when no sample is being taken any more. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.watch(new Set());
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #run(url: string, signal: AbortSignal): Promise<void> {
    const { clock, everyMs, measure, onSample } = this.#options;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      const sample = await measure(url, signal);
      if (signal.aborted) return;
      onSample(url, sample);
      try {
        await clock.sleep(Math.max(0, everyMs - (clock.monotonicMs() - startedMs)), signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}
