import { ERROR_TEXTS } from "./generated/protocol.ts";
import type { ErrorName } from "./generated/protocol.ts";

/** Misuse of the core by its caller, never the outcome of an operation: those are numbers of `ERROR`. */
export type CoreErrorCode =
  | "codec/hex" // text that is not hex of the wanted length
  | "codec/length" // bytes of the wrong length
  | "codec/field" // a field that is unknown or does not fit its width
  | "codec/opcode" // no record has that opcode
  | "state/index" // a leaf index beyond its subtree
  | "state/window" // a leaf of an append-only subtree that was handed over already
  | "state/snapshot" // a snapshot of another format, or an inconsistent one
  | "transition/phase" // the machine is in another phase than the call needs
  | "transition/input" // the data that the step needs was not given
  | "dispute/root" // the tree does not hold the state that is to be proven
  | "dispute/step" // a step that the trace does not have
  | "channel/config" // a channel that cannot be: equal parties, no window, a unit of zero
  | "channel/amount" // an amount that is no whole number of units from 0 to 2^53 - 1
  | "dispute/move"; // a move that the game does not take

/** Thrown by `core/`; `code` is for programs, `message` for people. */
export class CoreError extends Error {
  readonly code: CoreErrorCode;

  constructor(code: CoreErrorCode, message: string) {
    super(message);
    this.name = "CoreError";
    this.code = code;
  }
}

/** What an outcome or header error means and what to do about it. */
export interface OutcomeText {
  readonly id: number;
  readonly name: ErrorName;
  readonly what: string;
  readonly todo: string;
}

const byId = new Map<number, OutcomeText>(ERROR_TEXTS.map((text) => [text.id, text]));

/** The text of an outcome or header error id; undefined for an id that the specification does not have. */
export function outcomeText(id: number): OutcomeText | undefined {
  return byId.get(id);
}
