import { randomBytes } from "node:crypto";

import type { HeldAnswer } from "./Sale.ts";

const PROOF_BYTES = 32;
const WORD_BYTES = 4;
/** Words before an answer: its size with them, the answer after it in its bucket (plus 1; 0: none), what it is found by, its status, the lengths of its headers and of its body. */
const [SIZE, AFTER, HASH, STATUS, TEXT, BODY, PROOF] = [0, 1, 2, 3, 4, 5, 6] as const;
const HEAD_BYTES = PROOF * WORD_BYTES + PROOF_BYTES;
/** About as many as a small answer has: so few buckets hold two. */
const BYTES_PER_BUCKET = 256;

/**
 * The last paid answers that no ledger keeps, by their payment's proof; the oldest are dropped first. They lie as bytes in one ring: as objects
 * each would outlive its request by far, and moving them about would be most of what the collector does.
 */
export class RecentAnswers {
  readonly #maxBytes: number;
  /** Where the newest answer of each bucket begins, plus 1. */
  readonly #buckets: Uint32Array;
  /** Who pays makes the proofs: which of them share a bucket must not be theirs to say. */
  readonly #secret = new Uint32Array(Uint8Array.from(randomBytes(PROOF_BYTES)).buffer);
  /** Taken with the first answer, which many gates never have. Whole words. */
  #ring = Buffer.alloc(0);
  #words = new Uint32Array(0);
  #count = 0;
  #bytes = 0;
  /** Where the oldest begins. */
  #oldest = 0;
  /** Where the newest ends. */
  #newest = 0;
  /** While the newest lie below the oldest: where the upper part ends. */
  #upperEnd: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes - (maxBytes % WORD_BYTES);
    this.#buckets = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(1, maxBytes / BYTES_PER_BUCKET))));
  }

  /** What they take up. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param proof 32 bytes */
  find(proof: Uint8Array): HeldAnswer | undefined {
    if (this.#count === 0) return undefined;
    const at = this.#where(proof, this.#hashOf(proof));
    return at === undefined ? undefined : this.#read(at);
  }

  /** @param proof 32 bytes */
  add(proof: Uint8Array, { status, headers, body }: HeldAnswer): void {
    // What strangers can make long counts: a request echoed in a header, such as `Location`.
    let text = "";
    for (const [name, value] of headers) text += `${name}\n${value}\n`;
    const size = Math.ceil((HEAD_BYTES + text.length + body.length) / WORD_BYTES) * WORD_BYTES;
    if (size > this.#maxBytes) return;
    if (this.#ring.length === 0) {
      this.#ring = Buffer.allocUnsafeSlow(this.#maxBytes);
      this.#words = new Uint32Array(this.#ring.buffer);
    }
    const hash = this.#hashOf(proof);
    if (this.#where(proof, hash) !== undefined) return;
    const at = this.#makeRoom(size);
    const word = at / WORD_BYTES;
    this.#words[word + SIZE] = size;
    this.#words[word + AFTER] = this.#buckets[this.#bucketOf(hash)]!;
    this.#words[word + HASH] = hash;
    this.#words[word + STATUS] = status;
    this.#words[word + TEXT] = text.length;
    this.#words[word + BODY] = body.length;
    this.#ring.set(proof, at + PROOF * WORD_BYTES);
    // Nothing else is possible in a header.
    this.#ring.write(text, at + HEAD_BYTES, text.length, "latin1");
    this.#ring.set(body, at + HEAD_BYTES + text.length);
    this.#buckets[this.#bucketOf(hash)] = at + 1;
    this.#newest = at + size;
    this.#count += 1;
    this.#bytes += size;
  }

  #read(at: number): HeldAnswer {
    const word = at / WORD_BYTES;
    const bodyAt = at + HEAD_BYTES + this.#words[word + TEXT]!;
    const parts = this.#ring.toString("latin1", at + HEAD_BYTES, bodyAt).split("\n");
    const headers: [string, string][] = [];
    for (let i = 0; i + 1 < parts.length; i += 2) headers.push([parts[i]!, parts[i + 1]!]);
    return { status: this.#words[word + STATUS]!, headers, body: Buffer.from(this.#ring.subarray(bodyAt, bodyAt + this.#words[word + BODY]!)) };
  }

  #where(proof: Uint8Array, hash: number): number | undefined {
    for (let link = this.#buckets[this.#bucketOf(hash)]!; link !== 0; link = this.#words[(link - 1) / WORD_BYTES + AFTER]!) {
      if (this.#words[(link - 1) / WORD_BYTES + HASH] !== hash) continue;
      const proofAt = link - 1 + PROOF * WORD_BYTES;
      if (this.#ring.compare(proof, 0, PROOF_BYTES, proofAt, proofAt + PROOF_BYTES) === 0) return link - 1;
    }
    return undefined;
  }

  /** 32 bits of it. */
  #hashOf(proof: Uint8Array): number {
    let sum = 0;
    for (let i = 0; i < PROOF_BYTES / WORD_BYTES; i += 1) {
      const at = i * WORD_BYTES;
      sum = (sum + Math.imul((proof[at]! | (proof[at + 1]! << 8) | (proof[at + 2]! << 16) | (proof[at + 3]! << 24)) ^ this.#secret[i]!, 0x9e3779b1 + 2 * i)) | 0;
      sum = Math.imul(sum ^ (sum >>> 15), 0x85ebca77);
    }
    return (sum ^ (sum >>> 13)) >>> 0;
  }

  #bucketOf(hash: number): number {
    return hash & (this.#buckets.length - 1);
  }

  /** Drops the oldest until so many bytes are free in one piece. @returns where */
  #makeRoom(size: number): number {
    for (;;) {
      if (this.#count === 0) {
        this.#oldest = 0;
        this.#newest = 0;
        this.#upperEnd = undefined;
      }
      if (this.#upperEnd === undefined) {
        if (this.#maxBytes - this.#newest >= size) return this.#newest;
        this.#upperEnd = this.#newest;
        this.#newest = 0;
      }
      if (this.#oldest - this.#newest >= size) return this.#newest;
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const at = this.#oldest;
    const bucket = this.#bucketOf(this.#words[at / WORD_BYTES + HASH]!);
    const size = this.#words[at / WORD_BYTES + SIZE]!;
    // It is the last of its bucket: all others there came later.
    if (this.#buckets[bucket] === at + 1) this.#buckets[bucket] = 0;
    else {
      let word = (this.#buckets[bucket]! - 1) / WORD_BYTES;
      while (this.#words[word + AFTER] !== at + 1) word = (this.#words[word + AFTER]! - 1) / WORD_BYTES;
      this.#words[word + AFTER] = 0;
    }
    this.#count -= 1;
    this.#bytes -= size;
    this.#oldest = at + size;
    if (this.#oldest !== this.#upperEnd) return;
    this.#oldest = 0;
    this.#upperEnd = undefined;
  }
}
