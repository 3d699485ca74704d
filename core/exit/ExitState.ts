import { toHex } from "../codec/hex.ts";
import { FrontierNodeStore } from "../dispute/FrontierNodeStore.ts";
import { hexWords } from "../dispute/encodeStepProof.ts";
import type { LeafOpening } from "../dispute/StepProof.ts";
import { DEPTH, KIND, LEAF_BYTES, MACHINE, OP, SLOT_BYTES, SYSTEM_LEAF } from "../generated/protocol.ts";
import { createState, createStateTree } from "../state/index.ts";
import { createBundleResult, createExecutor } from "../transition/index.ts";
import type { BatchInput, EntryInput, TransitionParameters } from "../transition/index.ts";
import type { DepositRefund, Exit, ExitProof, LeafPlace } from "./Exit.ts";
import { listExits } from "./listExits.ts";

/**
 * A state as it was after some batch, with proofs of all that it owes: made again from the batches on L1, since the chain may have gone
 * on after the state that was confirmed last. Receipts, which hold no money, are hashed and forgotten.
 */
export class ExitState {
  readonly #state = createState();
  readonly #tree = createStateTree({ receipts: new FrontierNodeStore(DEPTH.RECEIPT) });
  readonly #executor;
  readonly #out = createBundleResult();
  readonly #withdrawals: Uint8Array[] = [];
  readonly #adjudicator: string;

  /** The state at genesis. */
  constructor(parameters: TransitionParameters) {
    this.#executor = createExecutor(this.#state, parameters);
    this.#adjudicator = toHex(parameters.channels.adjudicator);
  }

  /** Executes the next batch (RULES M-2 … M-8). */
  execute(batch: Pick<BatchInput, "l2Time" | "queueEnd" | "slots" | "data">, entryAt: (index: number) => EntryInput): void {
    const { data } = batch;
    const executor = this.#executor;
    const cursor = this.inboxCursor;
    executor.beginBatch(batch);
    for (let index = cursor; index < batch.queueEnd; index += 1) executor.applyEntry(entryAt(index));
    for (let offset = 0; offset < data.length; offset += this.#out.slotsTaken * SLOT_BYTES) {
      executor.executeBundle(data, offset, executor.isBundle(data, offset) ? executor.recoverBundle(data, offset) : null, this.#out);
    }
    executor.endBatch();
    const drained = this.#state.drainDirty();
    this.#tree.apply(drained);
    for (const { kind, leaves } of drained) {
      if (kind !== KIND.WITHDRAWAL) continue;
      for (let at = 0; at < leaves.length; at += LEAF_BYTES) this.#withdrawals.push(leaves.slice(at, at + LEAF_BYTES));
    }
  }

  /** Entries of the queue that it knows. */
  get inboxCursor(): number {
    return this.#state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.inboxCursor);
  }

  /** Batches executed. */
  get batchCount(): number {
    return this.#state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex);
  }

  /** State root, hex. */
  root(): string {
    return toHex(this.#tree.root());
  }

  /** See `listExits`. */
  exits(feeRecipient: string): Exit[] {
    return listExits(this.#state, this.#withdrawals, feeRecipient, this.#adjudicator);
  }

  /** Deposits that came too late for it, among all entries of the queue: they go back to their senders. */
  refunds(entries: readonly EntryInput[]): DepositRefund[] {
    const refunds: DepositRefund[] = [];
    for (let index = this.inboxCursor; index < entries.length; index += 1) {
      const { kind, sender, value } = entries[index];
      if (kind === OP.DEPOSIT) refunds.push({ index, to: toHex(sender), units: Number(value) });
    }
    return refunds;
  }

  /** What `Exodus.payLeaf` takes. */
  prove(exit: Exit): ExitProof {
    return { leaf: this.open(exit), context: exit.context.map((place) => this.open(place)) };
  }

  /** The MACHINE leaf, which `Exodus.refundDeposit` takes. */
  machine(): LeafOpening {
    return this.open({ kind: KIND.SYSTEM, index: SYSTEM_LEAF.MACHINE });
  }

  /** Any leaf but a receipt, with its proof against `root()`. */
  open({ kind, index }: LeafPlace): LeafOpening {
    const leaf = kind === KIND.WITHDRAWAL ? this.#withdrawals[index] : this.#state.leaf(kind, index);
    return { kind, index: BigInt(index), words: hexWords(leaf) as unknown as LeafOpening["words"], siblings: hexWords(this.#tree.proof(kind, index)) };
  }
}
