import type { BundleRecord, SignedHead } from "../../core/codec/stream.ts";
import type { Reply } from "./Submission.ts";

/** A signed state root. */
export interface SignedRoot {
  /** Records that the state has executed. */
  readonly position: number;
  readonly stateRoot: Uint8Array;
  readonly signature: Uint8Array;
  readonly batchCount: number;
}

/** A bundle that was executed, and all who are to be told: who sent it, and who sent it again because the answer was lost. */
export class RanBundle {
  readonly record: BundleRecord;
  readonly #replies: Reply[];
  #head: SignedHead | undefined;
  #root: SignedRoot | undefined;

  constructor(record: BundleRecord, reply: Reply) {
    this.record = record;
    this.#replies = [reply];
  }

  addReply(reply: Reply): void {
    this.#replies.push(reply);
    reply.sequenced();
    if (this.#head !== undefined) reply.durable(this.record, this.#head);
    if (this.#root !== undefined) this.#tellRoot(reply, this.#root);
  }

  durable(head: SignedHead): void {
    this.#head = head;
    for (const reply of this.#replies) reply.durable(this.record, head);
  }

  rooted(root: SignedRoot): void {
    this.#root = root;
    for (const reply of this.#replies) this.#tellRoot(reply, root);
    this.#replies.length = 0;
  }

  #tellRoot(reply: Reply, { position, stateRoot, signature, batchCount }: SignedRoot): void {
    reply.rooted(position, stateRoot, signature, batchCount);
  }
}
