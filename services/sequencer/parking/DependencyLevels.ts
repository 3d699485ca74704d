import { ERROR, INVOKE_FLAG, OP, RECORD, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { BundleResult } from "../../../core/transition/index.ts";
import { getU64 } from "../../../core/codec/integers.ts";

const SAMPLE_EVERY = 16;
const CALL = 0;
const WORKFLOW = 1;
const SESSION = 2;
const CHANNEL = 3;

/** How the bundles of a batch depend on each other. */
export interface LevelFigures {
  readonly bundles: number;
  /** Length of the longest chain of bundles, each of which needs the one before it. */
  readonly levels: number;
}

/**
 * Measures, in one batch of sixteen, how much of the order is forced: a bundle stands one level above the newest bundle before it
 * that wrote the same account's nonce and balance, or a call, workflow, session or channel that it names. Credits commute and count for nothing.
 * Bundles by levels is what a machine with enough cores could gain.
 */
export class DependencyLevels {
  #batches = 0;
  #isSampled = false;
  #bundles = 0;
  #highest = 0;
  readonly #agents = new Map<number, number>();
  readonly #objects = new Map<number, number>();
  /** Of the newest batch that was looked at. */
  figures: LevelFigures = { bundles: 0, levels: 0 };

  beginBatch(): void {
    this.#isSampled = this.#batches % SAMPLE_EVERY === 0;
    this.#batches += 1;
  }

  /** A bundle that was executed. */
  add(bytes: Uint8Array, result: BundleResult): void {
    if (!this.#isSampled) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const agent = view.getUint32(RECORD.HEADER.agent);
    const objects: number[] = [];
    for (let i = 0; i < result.count; i += 1) {
      collectObjects(view, (i + 1) * SLOT_BYTES, objects);
      const op = view.getUint8((i + 1) * SLOT_BYTES);
      const made = op === OP.INVOKE ? CALL : op === OP.WORKFLOW_OPEN ? WORKFLOW : op === OP.CHANNEL_OPEN ? CHANNEL : -1;
      if (made >= 0 && result.outcomes[i] === ERROR.OK) objects.push(keyOf(made, result.ids[i]));
    }
    let level = this.#agents.get(agent) ?? 0;
    for (const object of objects) level = Math.max(level, this.#objects.get(object) ?? 0);
    level += 1;
    this.#agents.set(agent, level);
    for (const object of objects) this.#objects.set(object, level);
    this.#highest = Math.max(this.#highest, level);
    this.#bundles += 1;
  }

  endBatch(): void {
    if (!this.#isSampled) return;
    if (this.#bundles > 0) this.figures = { bundles: this.#bundles, levels: this.#highest };
    this.#isSampled = false;
    this.#bundles = 0;
    this.#highest = 0;
    this.#agents.clear();
    this.#objects.clear();
  }
}

const keyOf = (kind: number, id: number): number => id * 4 + kind;

/** The objects that a record names. */
function collectObjects(view: DataView, at: number, into: number[]): void {
  const op = view.getUint8(at);
  if ((op >= OP.RESPOND && op <= OP.TIMEOUT) || op === OP.CLAIM) into.push(keyOf(CALL, getU64(view, at + RECORD.RESPOND.id)));
  else if (op === OP.COMPOSE) into.push(keyOf(WORKFLOW, getU64(view, at + RECORD.COMPOSE.id)));
  else if (op === OP.SESSION_CLOSE) into.push(keyOf(SESSION, getU64(view, at + RECORD.SESSION_CLOSE.id)));
  else if (op >= OP.CHANNEL_FUND && op <= OP.CHANNEL_EXPORT) into.push(keyOf(CHANNEL, getU64(view, at + RECORD.CHANNEL_CHALLENGE.id)));
  else if (op === OP.INVOKE) {
    const { flags, workflowId, depId, auxId } = RECORD.INVOKE;
    const set = view.getUint8(at + flags);
    if ((set & INVOKE_FLAG.WORKFLOW) !== 0) into.push(keyOf(WORKFLOW, getU64(view, at + workflowId)));
    if ((set & INVOKE_FLAG.DEPENDENCY) !== 0) into.push(keyOf(CALL, getU64(view, at + depId)));
    if ((set & INVOKE_FLAG.SECOND_DEPENDENCY) !== 0) into.push(keyOf(CALL, getU64(view, at + auxId)));
    if ((set & INVOKE_FLAG.SESSION) !== 0) into.push(keyOf(SESSION, getU64(view, at + auxId)));
  }
}
