import { SidecarError } from "../SidecarError.ts";

/** Collects a body that the gate reads whole, up to a limit. */
export class BodyCollector {
  readonly done: Promise<Buffer>;
  readonly #maxBytes: number;
  readonly #settle: PromiseWithResolvers<Buffer>;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#settle = Promise.withResolvers();
    this.done = this.#settle.promise;
    // Who asked hears of a failure; when nobody listens any more it is no fault of the process.
    this.done.catch(() => undefined);
  }

  /** @returns false when that was too much */
  take(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) {
      this.fail(new SidecarError("door/body-too-large", { limitBytes: this.#maxBytes }));
      return false;
    }
    this.#chunks.push(chunk);
    return true;
  }

  finish(): Buffer {
    const body = Buffer.concat(this.#chunks);
    this.#settle.resolve(body);
    return body;
  }

  fail(error: SidecarError): void {
    this.#chunks.length = 0;
    this.#settle.reject(error);
  }
}
