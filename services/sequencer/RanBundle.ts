import type { BundleRecord, SignedHead } from "../../core/codec/stream.ts";
import type { HeadSigner } from "./heads/HeadSigner.ts";
import type { Reply } from "./Submission.ts";

/** A state root, as it is signed. */
export interface RootFacts {
  /** Records that the state has executed. */
  readonly position: number;
  readonly stateRoot: Uint8Array;
  readonly batchCount: number;
}

export type HeadFacts = Omit<SignedHead, "signature">;

/** What a bundle was told, without the signatures. */
export interface BundleFacts {
  readonly record: BundleRecord;
  readonly head: HeadFacts | undefined;
  readonly root: RootFacts | undefined;
}

/** A bundle that was executed, and all who are to be told: who sent it, and who sent it again because the answer was lost. */
export class RanBundle {
  readonly record: BundleRecord;
  #replies: Reply[];
  #head: HeadFacts | undefined;
  #headSignature: Uint8Array | undefined;
  #root: RootFacts | undefined;
  #rootSignature: Uint8Array | undefined;

  constructor(record: BundleRecord, reply?: Reply) {
    this.record = record;
    this.#replies = reply === undefined ? [] : [reply];
  }

  /** A bundle that ran before this process started. */
  static from({ record, head, root }: BundleFacts): RanBundle {
    const ran = new RanBundle(record);
    ran.#head = head;
    ran.#root = root;
    return ran;
  }

  get facts(): BundleFacts {
    return { record: this.record, head: this.#head, root: this.#root };
  }

  /** One more who is to be told. What was signed before a restart is signed again, with the same words. */
  async addReply(reply: Reply, signer: HeadSigner): Promise<void> {
    reply.sequenced();
    if (this.#head === undefined) {
      this.#replies.push(reply);
      return;
    }
    this.#headSignature ??= await signer.signHead(this.#head.slot, this.#head.position, this.#head.head);
    reply.durable(this.record, { ...this.#head, signature: this.#headSignature });
    if (this.#root === undefined) {
      this.#replies.push(reply);
      return;
    }
    this.#rootSignature ??= await signer.signRoot(this.#root.position, this.#root.batchCount, this.#root.stateRoot);
    tellRoot(reply, this.#root, this.#rootSignature);
  }

  /** On disk. Without a signature: the log of an earlier process says so. */
  durable(head: HeadFacts, signature?: Uint8Array): void {
    this.#head = head;
    this.#headSignature = signature;
    if (signature !== undefined) for (const reply of this.#replies) reply.durable(this.record, { ...head, signature });
  }

  /** Its batch is on disk and hashed. */
  sealed(root: RootFacts): void {
    this.#root = root;
  }

  /** The root of its batch is signed. */
  rooted(signature: Uint8Array): void {
    this.#rootSignature = signature;
    if (this.#root !== undefined) for (const reply of this.#replies) tellRoot(reply, this.#root, signature);
    this.#replies = [];
  }
}

function tellRoot(reply: Reply, { position, stateRoot, batchCount }: RootFacts, signature: Uint8Array): void {
  reply.rooted(position, stateRoot, signature, batchCount);
}
