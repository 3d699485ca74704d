import { TabledError } from "../../runtime/errors/TabledError.ts";
import type { ErrorTable, TabledErrorOptions } from "../../runtime/errors/TabledError.ts";

/** Error codes of the ledger. */
export type LedgerErrors = {
  "ledger/foreign": { readonly path: string };
  "ledger/corrupt": { readonly path: string };
  "ledger/newer": { readonly path: string; readonly version: number };
  "ledger/full": { readonly path: string };
  "ledger/failed": { readonly path: string };
  "ledger/state": { readonly key: string; readonly wanted: string };
  "ledger/closed": { readonly path: string };
};

const LEDGER_ERRORS: ErrorTable<LedgerErrors> = {
  "ledger/foreign": { what: "The file is a database of something else", todo: "Choose another data folder", reaction: "stop" },
  "ledger/corrupt": { what: "The ledger of payments is damaged", todo: "Put back a copy of the data folder; without the ledger a payment could be served twice", reaction: "stop" },
  "ledger/newer": { what: "The ledger was written by a newer version", todo: "Use that version", reaction: "stop" },
  "ledger/full": { what: "The disk is full: the ledger takes no new payment", todo: "Free some space; work goes on by itself then", reaction: "retry" },
  "ledger/failed": { what: "The ledger could not be written", todo: "See the cause; check the disk", reaction: "retry" },
  "ledger/state": { what: "The payment is not in the state that this change begins from", todo: "Look it up again", reaction: "reject" },
  "ledger/closed": { what: "The ledger is closed", todo: "Ask the running process", reaction: "reject" },
};

export class LedgerError<K extends keyof LedgerErrors = keyof LedgerErrors> extends TabledError<LedgerErrors, K> {
  constructor(code: K, payload: LedgerErrors[K], options: TabledErrorOptions = {}) {
    super(LEDGER_ERRORS, code, payload, options);
  }
}
