import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { SequencerError } from "../SequencerError.ts";

const JOB_BYTES = 96;
const ADDRESS_BYTES = 20;
/** About 4 ms of work: the first of many that come at once do not wait for the last. */
const MAX_LOT = 64;
/** More would wait for the thread that executes: a bundle costs it about half of what its signature costs. */
const USEFUL_WORKERS = 4;

/** A signature to check: the answer comes in the order of the questions of one worker. */
type Answer = (address: Uint8Array) => void;

interface Job {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly answer: Answer;
}

interface Lane {
  readonly worker: Worker;
  /** Answers due, one list a message that is under way. */
  readonly sent: Answer[][];
}

/** Recovers signers in worker threads, in lots: what came in one turn of the event loop goes out in few messages. */
export class SignaturePool {
  readonly #lanes: Lane[] = [];
  #jobs: Job[] = [];
  #isScheduled = false;
  #isStopping = false;
  readonly #onFailed: (error: Error) => void;

  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed;
  }

  /** @param workers left out: one a core, as long as the thread that executes keeps up with them */
  start(workers = Math.min(USEFUL_WORKERS, availableParallelism())): void {
    for (let i = 0; i < workers; i += 1) {
      const worker = new Worker(new URL("./worker.ts", import.meta.url));
      const lane: Lane = { worker, sent: [] };
      worker.on("message", (addresses: Uint8Array) => {
        const answers = lane.sent.shift() ?? [];
        for (const [place, answer] of answers.entries()) answer(addresses.subarray(place * ADDRESS_BYTES, (place + 1) * ADDRESS_BYTES));
      });
      worker.on("error", this.#onFailed);
      worker.on("exit", () => {
        if (!this.#isStopping) this.#onFailed(new SequencerError("sequencer/worker", { worker: "signatures" }, "stop", { what: "A signature worker ended by itself", todo: "Start the sequencer again; its log is whole" }));
      });
      this.#lanes.push(lane);
    }
  }

  /** Asks for the 20-byte signer of a digest; 20 zeros when there is none. */
  recover(digest: Uint8Array, signature: Uint8Array, answer: Answer): void {
    this.#jobs.push({ digest, signature, answer });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#send());
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes.map(({ worker }) => worker.terminate()));
  }

  #send(): void {
    this.#isScheduled = false;
    const jobs = this.#jobs;
    this.#jobs = [];
    const lot = Math.min(MAX_LOT, Math.ceil(jobs.length / this.#lanes.length));
    for (let first = 0; first < jobs.length; first += lot) this.#sendLot(jobs.slice(first, first + lot));
  }

  #sendLot(jobs: readonly Job[]): void {
    const lane = this.#lanes.reduce((best, each) => (each.sent.length < best.sent.length ? each : best));
    const message = new Uint8Array(jobs.length * JOB_BYTES);
    for (const [i, { digest, signature }] of jobs.entries()) {
      message.set(digest, i * JOB_BYTES);
      message.set(signature, i * JOB_BYTES + 32);
    }
    lane.sent.push(jobs.map(({ answer }) => answer));
    lane.worker.postMessage(message, [message.buffer]);
  }
}
