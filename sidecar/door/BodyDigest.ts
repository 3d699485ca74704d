import { createHash, timingSafeEqual } from "node:crypto";
import type { Hash } from "node:crypto";

/** Checks a body's sha-256 while it passes: the last piece is held back until the digest is known to be right. */
export class BodyDigest {
  readonly #expected: Uint8Array;
  readonly #hash: Hash = createHash("sha256");
  #held: Uint8Array | undefined;

  constructor(expected: Uint8Array) {
    this.#expected = expected;
  }

  /** @returns the piece that may go on now; undefined: none yet */
  pass(chunk: Uint8Array): Uint8Array | undefined {
    if (chunk.length === 0) return undefined;
    this.#hash.update(chunk);
    const free = this.#held;
    this.#held = chunk;
    return free;
  }

  /** The body is over. @returns its last piece (empty if it had none), or undefined when it is another body. May be called once. */
  finish(): Uint8Array | undefined {
    const digest = this.#hash.digest();
    if (digest.length !== this.#expected.length || !timingSafeEqual(digest, this.#expected)) return undefined;
    return this.#held ?? new Uint8Array(0);
  }
}
