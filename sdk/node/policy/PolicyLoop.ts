/** Turns one after the other, with a pause between, until it is stopped. A turn that fails is told and followed by the next. */
export class PolicyLoop {
  readonly #turn: () => Promise<void>;
  readonly #pauseMs: number;
  readonly #onError: (error: Error) => void;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #wake: () => void = () => undefined;

  constructor(turn: () => Promise<void>, pauseMs: number, onError: (error: Error) => void) {
    [this.#turn, this.#pauseMs, this.#onError] = [turn, pauseMs, onError];
  }

  start(): void {
    this.#running ??= this.#run();
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#turn();
      } catch (error) {
        this.#onError(error instanceof Error ? error : new Error(String(error)));
      }
      if (this.#isStopping) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#pauseMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Resolves when the turn under way has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    await this.#running;
  }
}
