import { CoreError } from "../errors.ts";
import { DEPTH, LEAF_BYTES, MACHINE } from "../generated/protocol.ts";
import { createState } from "../state/State.ts";
import type { State, StateSnapshot } from "../state/State.ts";
import { createStateTree } from "../state/StateTree.ts";
import type { StateTree, StateTreeSnapshot } from "../state/StateTree.ts";
import { MACHINE_AT } from "../transition/Context.ts";
import type { L1Data } from "../transition/L1Data.ts";
import type { TransitionParameters } from "../transition/Machine.ts";
import { FrontierNodeStore } from "./FrontierNodeStore.ts";
import { APPENDED_KINDS, applyLog, LeafLogger, LIVE_KINDS, logBytes, mergeLogs } from "./LeafLog.ts";
import type { LeafLog } from "./LeafLog.ts";
import { recordStep } from "./recordStep.ts";
import type { RecordedStep } from "./recordStep.ts";
import { traceLength } from "./traceLength.ts";
import { TraceRunner } from "./TraceRunner.ts";

/** A state with the frontiers of its append-only subtrees: all that is needed to go on from it. */
export interface TraceStart {
  readonly state: StateSnapshot;
  readonly tree: StateTreeSnapshot;
}

export interface TraceOptions {
  /** The post-state of the epoch before; at a batch's end unless `firstStep` and `length` are given. */
  readonly start: TraceStart;
  readonly batchEnd: number;
  readonly l1: L1Data;
  readonly parameters: TransitionParameters;
  /** The step that `start` stands at: 0 unless given. */
  readonly firstStep?: number;
  /** Steps of the whole epoch; counted from L1 unless given (M-9). */
  readonly length?: number;
  /** Steps between two checkpoints, at first: a 64th of the trace and at least 1,024 unless given. */
  readonly intervalSteps?: number;
  /** What the checkpoints' logs may take, 64 MiB unless given; above it every second checkpoint goes. */
  readonly logBudgetBytes?: number;
}

/** Where one can go back to: between two marks lies a log that leads from either to the other. */
interface Mark {
  readonly step: number;
  readonly system: Uint8Array;
  readonly tree: StateTreeSnapshot;
}

const DEFAULT_LOG_BUDGET_BYTES = 64 * 2 ** 20;
const DEFAULT_INTERVALS = 64;
const MIN_INTERVAL_STEPS = 1024;
const KEPT_ROOTS = 2 ** 16;

/**
 * The states of an epoch, one after each step: what a dispute is about. States are made when they are asked for, by going to the
 * nearest checkpoint and executing from there. Step `length` and everything after the last batch is the end state (M-1).
 */
export class Trace {
  readonly length: number;
  readonly firstStep: number;
  readonly #state: State = createState();
  readonly #receipts = new FrontierNodeStore(DEPTH.RECEIPT);
  readonly #withdrawals = new FrontierNodeStore(DEPTH.WITHDRAWAL);
  readonly #tree: StateTree = createStateTree({ receipts: this.#receipts, withdrawals: this.#withdrawals });
  readonly #runner: TraceRunner;
  readonly #logger = new LeafLogger();
  readonly #marks: Mark[] = [];
  /** Log i lies between marks i and i + 1. */
  readonly #logs: LeafLog[] = [];
  readonly #budget: number;
  readonly #roots = new Map<number, Uint8Array>();
  #interval: number;
  /** The last mark at or before the present step, and that step. */
  #mark = 0;
  #step: number;
  /** The furthest step ever gone to. */
  #reached: number;
  #logBytes = 0;

  constructor(options: TraceOptions) {
    const { start, batchEnd, l1, parameters } = options;
    this.#state.importSnapshot(start.state);
    for (const { kind, first, leaves } of start.state.parts) {
      if (LIVE_KINDS.some((live) => live === kind) && leaves.length > 0) this.#tree.load(kind, first, leaves);
    }
    this.#restoreFrontiers(start.tree);
    const { system } = this.#state;
    const [batchStart, cursor] = [system.u64(MACHINE_AT + MACHINE.batchIndex), system.u64(MACHINE_AT + MACHINE.inboxCursor)];
    this.length = options.length ?? traceLength(l1, batchStart, batchEnd, cursor);
    this.firstStep = options.firstStep ?? 0;
    this.#step = this.firstStep;
    this.#reached = this.firstStep;
    this.#interval = options.intervalSteps ?? Math.max(MIN_INTERVAL_STEPS, Math.ceil(this.length / DEFAULT_INTERVALS));
    this.#budget = options.logBudgetBytes ?? DEFAULT_LOG_BUDGET_BYTES;
    this.#runner = new TraceRunner(this.#state, parameters, l1, batchEnd);
    this.#logger.watch(this.#state);
    this.#pushMark();
  }

  /** Bytes of the logs between checkpoints. */
  get logBytes(): number {
    return this.#logBytes;
  }

  get checkpointCount(): number {
    return this.#marks.length;
  }

  /** The state root (N-3) after `step` steps. */
  stateRootAt(step: number): Uint8Array {
    const known = this.#roots.get(step);
    if (known !== undefined) return known.slice();
    this.#goTo(step);
    this.#settle();
    const root = this.#tree.root();
    if (this.#roots.size >= KEPT_ROOTS) this.#roots.clear();
    this.#roots.set(step, root);
    return root.slice();
  }

  /** State roots after these numbers of steps, in one pass when they ascend. */
  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => this.stateRootAt(step));
  }

  /** The step from state `step` to state `step + 1` with its proof. */
  stepProofAt(step: number): RecordedStep {
    this.#requireStep(step + 1);
    this.#goTo(step);
    this.#settle();
    const recorded = recordStep(this.#runner.machine, this.#tree, this.#runner.batchEnd, this.#runner.l1);
    for (const { kind, index, before } of recorded.leaves) this.#logger.add(kind, index, before);
    this.#logger.watch(this.#state);
    this.#step = step + 1;
    // So that the present step never passes the next mark without becoming it.
    if (this.#marks[this.#mark + 1]?.step === this.#step) this.#backToMark();
    return recorded;
  }

  /**
   * Executes up to `steps` steps that were never executed yet, so that a service can do other things in between; true when the end is
   * reached. Afterwards every root is near a checkpoint, and no signature is checked twice.
   */
  runAhead(steps: number): boolean {
    this.#goTo(Math.min(this.#reached + steps, this.length));
    return this.#reached === this.length;
  }

  /** A copy of the state after `step` steps. */
  startAt(step: number): TraceStart {
    this.#goTo(step);
    this.#settle();
    return { state: this.#state.exportSnapshot(), tree: this.#tree.snapshot() };
  }

  #requireStep(step: number): void {
    if (!Number.isInteger(step) || step < this.firstStep || step > this.length) {
      throw new CoreError("dispute/step", `The trace has the steps ${this.firstStep} to ${this.length}, not ${step}.`);
    }
  }

  #goTo(step: number): void {
    this.#requireStep(step);
    let target = this.#marks.length - 1;
    while (this.#marks[target].step > step) target -= 1;
    if (target !== this.#mark || step < this.#step) {
      if (this.#step !== this.#marks[this.#mark].step) this.#backToMark();
      if (target !== this.#mark) this.#jump(target);
    }
    this.#run(step);
    this.#reached = Math.max(this.#reached, step);
  }

  #run(step: number): void {
    while (this.#step < step) {
      if (this.#runner.isDone) {
        this.#step = step;
        return;
      }
      this.#step += this.#runner.advance(step - this.#step);
      const isLast = this.#mark === this.#marks.length - 1;
      if (isLast && this.#step - this.#marks[this.#mark].step >= this.#interval) this.#closeInterval();
    }
  }

  #closeInterval(): void {
    const log = this.#logger.take();
    this.#logs.push(log);
    this.#logBytes += logBytes(log);
    this.#pushMark();
    this.#mark += 1;
    while (this.#logBytes > this.#budget && this.#logs.length > 1) this.#thinOut();
  }

  /** Drops every second mark. */
  #thinOut(): void {
    const logs: LeafLog[] = [];
    const marks: Mark[] = [this.#marks[0]];
    for (let i = 0; i < this.#logs.length; i += 2) {
      logs.push(i + 1 < this.#logs.length ? mergeLogs(this.#logs[i], this.#logs[i + 1]) : this.#logs[i]);
      marks.push(this.#marks[Math.min(i + 2, this.#marks.length - 1)]);
    }
    this.#logs.splice(0, this.#logs.length, ...logs);
    this.#marks.splice(0, this.#marks.length, ...marks);
    this.#mark = this.#marks.length - 1;
    this.#logBytes = logs.reduce((sum, log) => sum + logBytes(log), 0);
    this.#interval *= 2;
  }

  #pushMark(): void {
    this.#settle();
    this.#marks.push({ step: this.#step, system: this.#systemLeaves(), tree: this.#tree.snapshot() });
  }

  /** Undoes what was executed since the mark. */
  #backToMark(): void {
    this.#change(this.#mark, () => applyLog(this.#logger.take(), this.#state, false));
  }

  /** From one mark to another. */
  #jump(target: number): void {
    this.#change(target, () => {
      while (this.#mark > target) {
        this.#mark -= 1;
        applyLog(this.#logs[this.#mark], this.#state, true);
      }
      while (this.#mark < target) {
        applyLog(this.#logs[this.#mark], this.#state, true);
        this.#mark += 1;
      }
    });
  }

  #change(target: number, write: () => void): void {
    const { system } = this.#state;
    const accounts = system.u32(MACHINE_AT + MACHINE.agentCount);
    this.#settle();
    for (const kind of LIVE_KINDS) this.#state.store(kind).observer = null;
    write();
    const mark = this.#marks[target];
    for (let leaf = 0; leaf * LEAF_BYTES < mark.system.length; leaf += 1) {
      system.setLeaf(leaf, mark.system.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES));
    }
    this.#logger.watch(this.#state);
    this.#settle();
    this.#restoreFrontiers(mark.tree);
    if (system.u32(MACHINE_AT + MACHINE.agentCount) !== accounts) this.#state.directory.rebuild();
    this.#step = mark.step;
  }

  /** Hands changed leaves to the tree. */
  #settle(): void {
    this.#tree.apply(this.#state.drainDirty());
  }

  #systemLeaves(): Uint8Array {
    const { system } = this.#state;
    return system.bytes.slice(0, system.count * LEAF_BYTES);
  }

  #restoreFrontiers(snapshot: StateTreeSnapshot): void {
    this.#tree.restore(snapshot);
    this.#receipts.load(snapshot.receipts);
    this.#withdrawals.load(snapshot.withdrawals);
    for (const kind of APPENDED_KINDS) this.#state.store(kind).load(this.#tree.count(kind), new Uint8Array(0));
  }
}
