import { Worker } from "node:worker_threads";

import type { DirtyLeaves, StateSnapshot, StateTreeSnapshot } from "../../../core/state/index.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import { SequencerError } from "../SequencerError.ts";
import type { RootAnswer, RootRequest } from "./messages.ts";

/** The state tree in its worker thread. Requests are answered in the order in which they were made. */
export class RootClient {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (answer: RootAnswer) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #isStopping = false;
  #failure: Error | undefined;

  /** @param dir for the files of receipts and withdrawals */
  constructor(dir: string, snapshot: { state: StateSnapshot; tree: StateTreeSnapshot } | undefined, onFailed: (error: Error) => void) {
    this.#worker = new Worker(new URL("./rootWorker.ts", import.meta.url), { workerData: { dir, state: snapshot?.state, tree: snapshot?.tree } });
    const fail = (error: Error): void => {
      this.#failure ??= error;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      if (!this.#isStopping) onFailed(error);
    };
    this.#worker.on("message", (answer: RootAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    this.#worker.on("error", (error) => fail(new SequencerError("sequencer/worker", { worker: "roots" }, "stop", { what: `The root worker failed: ${toError(error).message}`, todo: "Do as it says, or start the sequencer again; its log is whole" }, { cause: error })));
    this.#worker.on("exit", () => fail(new SequencerError("sequencer/worker", { worker: "roots" }, "stop", { what: "The root worker ended by itself", todo: "Start the sequencer again; its log is whole" })));
  }

  /** Hashes changed leaves; the state root after them. */
  async apply(drained: readonly DirtyLeaves[]): Promise<Uint8Array> {
    const buffers = drained.flatMap(({ indices, leaves }) => [indices.buffer, leaves.buffer] as ArrayBuffer[]);
    return (await this.#ask((id) => ({ id, ask: "apply", drained }), buffers)).root as Uint8Array;
  }

  /** Writes down the node files; what is needed besides to go on from here. */
  async snapshot(): Promise<StateTreeSnapshot> {
    return (await this.#ask((id) => ({ id, ask: "snapshot" }))).tree as StateTreeSnapshot;
  }

  /** Proof, root and (for receipts and withdrawals) the leaf; null if it was never appended. */
  async prove(kind: number, index: number): Promise<{ root: Uint8Array; proof: Uint8Array; leaf: Uint8Array | undefined } | null> {
    const { root, proof, leaf, missing } = await this.#ask((id) => ({ id, ask: "proof", kind, index }));
    return missing === true ? null : { root: root as Uint8Array, proof: proof as Uint8Array, leaf };
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
  }

  #ask(build: (id: number) => RootRequest, transfer: ArrayBuffer[] = []): Promise<RootAnswer> {
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage(build(id), [...new Set(transfer)]);
    });
  }
}
