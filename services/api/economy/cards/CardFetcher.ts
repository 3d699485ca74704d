import { isRegistrationFileError, parseRegistrationFile } from "../../../../chain/agents/registrationFile.ts";
import type { Deployment } from "../../../../chain/Deployment.ts";
import { chainRef } from "../../../../chain/agents/agnt2Service.ts";
import { pollingLoop } from "../../../../chain/pollingLoop.ts";
import type { PollingLoop } from "../../../../chain/pollingLoop.ts";
import { describeFetchError, FetchError } from "../../../../runtime/fetch/FetchError.ts";
import { fetchJsonDocument } from "../../../../runtime/fetch/fetchJsonDocument.ts";
import type { DocumentOptions } from "../../../../runtime/fetch/fetchJsonDocument.ts";
import type { CardFailure, CardStore, DueCard } from "./CardStore.ts";

export interface CardFetcherOptions {
  readonly store: CardStore;
  readonly deployment: Deployment;
  /** Files fetched at once. */
  readonly fetches: number;
  /** Pause after the first failure; it doubles with each. */
  readonly retryMs: number;
  /** A file from a server is fetched again after this time: it may have changed. */
  readonly refreshMs: number;
  readonly document: DocumentOptions;
  readonly nowMs: () => number;
  /** The database cannot be reached; it goes on trying. */
  readonly onError: (error: unknown) => void;
}

/** Looks for work when nobody wakes it. */
const POLL_MS = 1_000;
/** Agents asked for at once. */
const LOOK_AHEAD = 128;
const MAX_RETRY_MS = 24 * 3_600_000;
/** As good as never: what is named by its content, or is the content, does not change. */
const NEVER_MS = 2 ** 52;
const MAX_PROBLEM = 300;

/** Fetches agents' registration files in the background: as many at once as allowed, each bounded in size and time. A bad one marks its agent. */
export class CardFetcher {
  readonly #options: CardFetcherOptions;
  readonly #loop: PollingLoop;
  readonly #abort = new AbortController();
  /** Agents whose file is being fetched, with the end of that. */
  readonly #running = new Map<string, Promise<void>>();
  #waiting: DueCard[] = [];

  constructor(options: CardFetcherOptions) {
    this.#options = options;
    this.#loop = pollingLoop({ pollMs: POLL_MS, turn: () => this.#turn(), onError: options.onError });
  }

  start(): void {
    this.#loop.start();
  }

  /** Looks for work now. */
  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop.stop();
    await Promise.all(this.#running.values());
  }

  async #turn(): Promise<void> {
    const { store, nowMs } = this.#options;
    if (this.#waiting.length > 0) return this.#begin();
    this.#waiting = await store.due(nowMs(), LOOK_AHEAD, [...this.#running.keys()]);
    this.#begin();
  }

  /** Fetches what waits, as far as there is room; whoever ends makes room for the next. */
  #begin(): void {
    while (this.#running.size < this.#options.fetches && !this.#abort.signal.aborted) {
      const card = this.#waiting.shift();
      if (card === undefined) return;
      const work = this.#fetch(card).finally(() => {
        this.#running.delete(card.agentId);
        if (this.#waiting.length > 0) this.#begin();
        else if (!this.#abort.signal.aborted) this.#loop.wake();
      });
      this.#running.set(card.agentId, work);
    }
  }

  /** One file. Its faults end here. */
  async #fetch(card: DueCard): Promise<void> {
    const { store, deployment, document, nowMs } = this.#options;
    try {
      let file;
      try {
        const { json } = await fetchJsonDocument(card.uri, { ...document, signal: this.#abort.signal });
        file = parseRegistrationFile(json);
      } catch (error) {
        if (!this.#abort.signal.aborted) await store.fail(card, failureOf(error), nowMs(), nowMs() + this.#retryPause(card));
        return;
      }
      const chain = chainRef(deployment.chainId, deployment.contracts.settlement);
      const service = file.agnt2.find((entry) => entry.chain === chain);
      try {
        await store.put(card, file, service, nowMs(), this.#nextLook(card.uri));
      } catch (error) {
        // Not to be tried at once again: the file's server would be asked without end.
        await store.fail(card, { code: "economy/unstorable", problem: "the file could not be stored", isPassing: false }, nowMs(), nowMs() + this.#retryPause(card));
        throw error;
      }
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #nextLook(uri: string): number {
    return /^(data|ipfs):/i.test(uri) ? NEVER_MS : this.#options.nowMs() + this.#options.refreshMs;
  }

  #retryPause({ uri, attempts }: DueCard): number {
    if (/^data:/i.test(uri)) return NEVER_MS / 2;
    return Math.min(this.#options.retryMs * 2 ** Math.min(attempts, 20), MAX_RETRY_MS);
  }
}

function failureOf(error: unknown): CardFailure {
  if (isRegistrationFileError(error)) return { code: error.code, problem: error.message.slice(0, MAX_PROBLEM), isPassing: false };
  // The message has addresses that a stranger's name leads to from here; the code's own text tells nothing of this network.
  if (error instanceof FetchError) return { code: error.code, problem: describeFetchError(error.code), isPassing: error.reaction === "retry" };
  throw error;
}
