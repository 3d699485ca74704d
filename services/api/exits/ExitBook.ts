import { ExitState } from "../../../core/exit/index.ts";
import type { DepositRefund, Exit } from "../../../core/exit/index.ts";
import type { Replica } from "../../../derivation/Replica.ts";

/** How long the server may stand still for it at once. */
const SLICE_MS = 20;

/** The last confirmed state, and all that it owes. */
export interface LastState {
  readonly state: ExitState;
  /** Listed when it is first read: whoever wants a single leaf does not wait for all. */
  readonly exits: readonly Exit[];
  readonly refunds: readonly DepositRefund[];
  readonly batchCount: number;
}

function lastStateOf(state: ExitState, refunds: readonly DepositRefund[], listExits: () => readonly Exit[]): LastState {
  let exits: readonly Exit[] | undefined;
  return { state, refunds, batchCount: state.batchCount, get exits() { return (exits ??= listExits()); } };
}

/**
 * Makes the last confirmed state anew from the batches on L1, when somebody asks for it: the replica itself has gone on since. It takes
 * as much memory again as the replica's state, and as long as the replica took to derive it.
 */
export class ExitBook {
  readonly #replica: Replica;
  readonly #feeRecipient: string;
  #state: ExitState | undefined;
  #last: LastState | undefined;
  #isBuilding = false;
  /** Why the last try failed: told to who asks next. */
  #failure: unknown;

  constructor(replica: Replica, feeRecipient: string) {
    this.#replica = replica;
    this.#feeRecipient = feeRecipient.toLowerCase();
  }

  /** Undefined while it is being made: ask again. */
  get last(): LastState | undefined {
    const batchCount = this.#wanted();
    if (this.#last?.batchCount === batchCount && this.#last.state.root() === this.#rootAt(batchCount)) {
      const { state, refunds: known } = this.#last;
      const refunds = state.refunds(this.#entries());
      return refunds.length === known.length ? this.#last : (this.#last = this.#lastOf(state));
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (!this.#isBuilding) {
      this.#build()
        .catch((error: unknown) => {
          this.#state = undefined;
          this.#failure = error;
        })
        .finally(() => (this.#isBuilding = false));
    }
    // A short chain is done in the first slice, which ran just now.
    return this.#last?.batchCount === batchCount && this.#last.state.root() === this.#rootAt(batchCount) ? this.#last : undefined;
  }

  #wanted(): number {
    const confirmed = this.#replica.view.latestConfirmed;
    return confirmed === undefined ? 0 : (this.#replica.batchesOf(confirmed) ?? 0);
  }

  #rootAt(batchCount: number): string {
    return `0x${Buffer.from(this.#replica.rootAt(batchCount) ?? []).toString("hex")}`;
  }

  #entries(): Parameters<ExitState["refunds"]>[0] {
    return this.#replica.view.entries.map((_, index) => this.#replica.l1.entry(index));
  }

  async #build(): Promise<void> {
    this.#isBuilding = true;
    const replica = this.#replica;
    const wanted = this.#wanted();
    const isAhead = this.#state !== undefined && (this.#state.batchCount > wanted || this.#state.root() !== this.#rootAt(this.#state.batchCount));
    const { parameters } = replica;
    const state = this.#state === undefined || isAhead ? new ExitState(parameters) : this.#state;
    this.#state = state;
    for (let until = performance.now() + SLICE_MS; state.batchCount < wanted; ) {
      // A reorganisation may have taken it away meanwhile; the next question begins anew.
      if (state.batchCount >= replica.view.batches.length) return;
      state.execute(replica.l1.batch(state.batchCount), (index) => replica.l1.entry(index));
      if (performance.now() < until) continue;
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + SLICE_MS;
    }
    this.#last = this.#lastOf(state);
  }

  #lastOf(state: ExitState): LastState {
    return lastStateOf(state, state.refunds(this.#entries()), () => state.exits(this.#feeRecipient));
  }
}
