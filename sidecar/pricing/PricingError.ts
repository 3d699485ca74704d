import { TabledError } from "../../runtime/errors/TabledError.ts";
import type { ErrorTable, TabledErrorOptions } from "../../runtime/errors/TabledError.ts";

/** Error codes of price lists. */
export type PricingErrors = {
  "pricing/invalid": { readonly problems: readonly string[] };
};

const PRICING_ERRORS: ErrorTable<PricingErrors> = {
  "pricing/invalid": { what: "The price list cannot be used", todo: "Correct what is named; docs/SIDECAR.md section 6 shows the form", reaction: "stop" },
};

export class PricingError<K extends keyof PricingErrors = keyof PricingErrors> extends TabledError<PricingErrors, K> {
  constructor(code: K, payload: PricingErrors[K], options: TabledErrorOptions = {}) {
    super(PRICING_ERRORS, code, payload, options);
  }
}
