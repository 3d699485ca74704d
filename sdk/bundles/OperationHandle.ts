import { OP } from "../../core/generated/protocol.ts";
import { outcomeError, sdkError } from "../SdkError.ts";
import type { ProvenLeaf } from "../stateProof.ts";
import { createDeferred } from "./Deferred.ts";
import type { BundleTicket, RootedAck } from "./BundleTransport.ts";

/** What the chain did with an operation. */
export interface OperationResult {
  /** Name of the opcode. */
  readonly op: string;
  /** Slot and id of the object it made or touched; with an id of 0, none. */
  readonly slot: number;
  readonly id: number;
  /** Index of its receipt. */
  readonly receipt: number;
  /** Its place in the sequencer's order. */
  readonly position: number;
}

/** Looks up how far L1 is with the operation that a receipt tells of. */
export interface L1Progress {
  /** Resolves once the batch that holds it is on L1. */
  posted(receipt: number, timeoutMs?: number): Promise<{ batch: number }>;
  /** Resolves once a state with its receipt is confirmed on L1. */
  confirmed(receipt: number, timeoutMs?: number): Promise<{ claimId: string; stateRoot: string }>;
  /** The receipt, proven against a signed root. */
  receiptIn(receipt: number, root: { batchCount: number; stateRoot: string }, timeoutMs?: number): Promise<ProvenLeaf>;
}

/** Which record of whose bundle an operation is. */
export interface OperationPlace {
  readonly agent: number;
  readonly nonce: number;
  readonly index: number;
}

/**
 * One operation and its acknowledgements, each a stronger promise than the last. Those that nobody waits for fail in silence;
 * a rejected operation rejects `durable` and `rooted` with an SdkError whose `code` is its outcome, `E_BALANCE` for instance.
 */
export class OperationHandle {
  readonly op: string;
  /** It has a place in the order: a hint. */
  readonly sequenced: Promise<void>;
  /** It is executed, logged and signed for. */
  readonly durable: Promise<OperationResult>;
  /** A signed state root holds it. */
  readonly rooted: Promise<RootedAck>;
  readonly #sequenced = createDeferred<void>();
  readonly #durable = createDeferred<OperationResult>();
  readonly #rooted = createDeferred<RootedAck>();
  readonly #progress: L1Progress;
  #place: OperationPlace | undefined;

  constructor(op: string, progress: L1Progress) {
    this.op = op;
    this.#progress = progress;
    this.sequenced = this.#sequenced.promise;
    this.durable = this.#durable.promise;
    this.rooted = this.#rooted.promise;
    for (const promise of [this.sequenced, this.durable, this.rooted]) promise.catch(() => undefined);
  }

  /**
   * Its receipt, proven against the root that the sequencer has signed: until here, what became of the operation was the
   * sequencer's word. Waits for the root, and for the batch on L1.
   * @throws SdkError `SDK_BAD_PROOF` when the receipt says something else than the answer did; `SDK_TIMEOUT`
   */
  async proven(timeoutMs?: number): Promise<ProvenLeaf> {
    const { slot, id, receipt } = await this.durable;
    const proven = await this.#progress.receiptIn(receipt, await this.rooted, timeoutMs);
    const expected = { ...this.#place, op: OP[this.op as keyof typeof OP], outcome: 0, slot, id };
    for (const [name, value] of Object.entries(expected)) {
      if (proven.fields[name] !== value) throw sdkError("SDK_BAD_PROOF", `receipt ${receipt} has ${name} ${proven.fields[name]}, the answer said ${value}`, { receipt });
    }
    return proven;
  }

  /** Waits until the batch with it is on L1. @throws SdkError `SDK_TIMEOUT` */
  async posted(timeoutMs?: number): Promise<{ batch: number }> {
    return this.#progress.posted((await this.durable).receipt, timeoutMs);
  }

  /** Waits until a state that holds it is confirmed on L1. @throws SdkError `SDK_TIMEOUT` */
  async confirmed(timeoutMs?: number): Promise<{ claimId: string; stateRoot: string }> {
    return this.#progress.confirmed((await this.durable).receipt, timeoutMs);
  }

  markSequenced(): void {
    this.#sequenced.resolve();
  }

  /** Follows the bundle that carries it. */
  follow(ticket: BundleTicket, place: OperationPlace): void {
    const { index } = place;
    this.#place = place;
    const fail = (error: unknown): void => this.fail(error);
    ticket.durable.then((ack) => {
      this.#sequenced.resolve();
      const { outcome, slot, id } = ack.results[index]!;
      if (outcome === 0) this.#durable.resolve({ op: this.op, slot, id, receipt: ack.firstReceipt + index, position: ack.position + index });
      else fail(outcomeError(outcome, `${this.op} was rejected`, { op: this.op, receipt: ack.firstReceipt + index }));
    }, fail);
    // Settled after `durable`: when that rejected, this is without effect.
    ticket.rooted.then(async (ack) => this.durable.then(() => this.#rooted.resolve(ack), fail), fail);
  }

  fail(error: unknown): void {
    for (const each of [this.#sequenced, this.#durable, this.#rooted]) each.reject(error);
  }
}
