import { ERROR, OP, RESERVED_OPCODES } from "../../core/generated/protocol.ts";
import type { StepTrace } from "../../core/transition/index.ts";

/** Counts of operations (done, rejected) and of outcomes, over a fuzz run. */
export class Tally {
  readonly #operations = new Map<number, { done: number; rejected: number }>();
  readonly #outcomes = new Map<number, number>();

  add(trace: StepTrace): void {
    this.#outcomes.set(trace.outcome, (this.#outcomes.get(trace.outcome) ?? 0) + 1);
    if (trace.op < 0) return;
    const count = this.#operations.get(trace.op) ?? { done: 0, rejected: 0 };
    if (trace.outcome === ERROR.OK) count.done += 1;
    else count.rejected += 1;
    this.#operations.set(trace.op, count);
  }

  /** Operations that never took effect and outcomes that never came. */
  missing(): string[] {
    const operations = Object.entries(OP).filter(([name, op]) => name !== "HEADER" && !RESERVED_OPCODES.includes(op) && (this.#operations.get(op)?.done ?? 0) === 0);
    const outcomes = Object.entries(ERROR).filter(([, id]) => !this.#outcomes.has(id));
    return [...operations.map(([name]) => `operation ${name}`), ...outcomes.map(([name]) => `outcome ${name}`)];
  }

  lines(): string[] {
    const lines = ["operation            done  rejected"];
    for (const [name, op] of Object.entries(OP)) {
      const count = this.#operations.get(op);
      if (name === "HEADER" || RESERVED_OPCODES.includes(op)) continue;
      lines.push(`${name.padEnd(18)} ${String(count?.done ?? 0).padStart(6)} ${String(count?.rejected ?? 0).padStart(9)}`);
    }
    lines.push("outcome             steps");
    for (const [name, id] of Object.entries(ERROR)) lines.push(`${name.padEnd(18)} ${String(this.#outcomes.get(id) ?? 0).padStart(6)}`);
    return lines;
  }
}
