import { Worker } from "node:worker_threads";

import { LedgerFile } from "./LedgerFile.ts";
import type { ChangeProblem, LedgerFileOptions } from "./LedgerFile.ts";
import type { LedgerChange } from "./LedgerWriter.ts";

/** What the thread is asked, and answers in this order. */
export type WriterMessage =
  | { readonly kind: "write"; readonly changes: readonly LedgerChange[] }
  | { readonly kind: "forget"; readonly before: number; readonly most: number }
  | { readonly kind: "close" };

/** Who writes the ledger's file. */
export interface LedgerScribe {
  /** @throws when whether the changes were made is not known */
  write(changes: readonly LedgerChange[]): Promise<(ChangeProblem | undefined)[]>;
  /** @returns how many were forgotten */
  forget(before: number, most: number): Promise<number | ChangeProblem>;
  close(): Promise<void>;
}

/** Writes in this thread, which waits for the disk. */
export function createInlineScribe(options: LedgerFileOptions): LedgerScribe {
  const file = new LedgerFile(options);
  return {
    write: async (changes) => file.write(changes),
    forget: async (before, most) => file.forget(before, most),
    close: async () => file.close(),
  };
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The writing side of the ledger in a thread of its own. One that ends unasked is started again with the next message. */
export class WriterThread implements LedgerScribe {
  readonly #options: LedgerFileOptions;
  #worker: Worker | undefined;
  #asked: Asked[] = [];
  #isClosing = false;

  constructor(options: LedgerFileOptions) {
    this.#options = options;
  }

  write(changes: readonly LedgerChange[]): Promise<(ChangeProblem | undefined)[]> {
    const bodies = changes.flatMap((change) => (change.kind === "answered" && change.answer !== undefined ? [change.answer.body.buffer as ArrayBuffer] : []));
    return this.#ask({ kind: "write", changes }, bodies);
  }

  forget(before: number, most: number): Promise<number | ChangeProblem> {
    return this.#ask({ kind: "forget", before, most });
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    this.#isClosing = true;
    const ended = new Promise((resolve) => this.#worker!.once("exit", resolve));
    await this.#ask({ kind: "close" });
    await ended;
  }

  #ask<T>(message: WriterMessage, transferred: ArrayBuffer[] = []): Promise<T> {
    const worker = (this.#worker ??= this.#start());
    // Who has written nothing for a while may end; who waits for the disk may not.
    worker.ref();
    return new Promise<T>((resolve, reject) => {
      worker.postMessage(message, transferred);
      this.#asked.push({ resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./ledgerWorker.ts", import.meta.url), { workerData: this.#options });
    let cause: unknown;
    worker.on("message", (answer: unknown) => {
      this.#asked.shift()!.resolve(answer);
      if (this.#asked.length === 0 && !this.#isClosing) worker.unref();
    });
    worker.on("error", (error) => (cause = error));
    worker.on("exit", () => {
      this.#worker = undefined;
      const asked = this.#asked;
      this.#asked = [];
      for (const { reject } of asked) reject(cause ?? new Error("The thread that writes the ledger ended."));
    });
    return worker;
  }
}
