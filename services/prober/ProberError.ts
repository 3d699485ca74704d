import { CodedError } from "../../runtime/errors/CodedError.ts";

/** Error codes of the prober; those of its alarms are told and never thrown. */
export type ProberErrors = {
  /** The deployment names no such contract, and the settings neither. */
  "prober/no-contract": { readonly name: string };
  /** The file of what was measured and committed to is not one, or of another meter. */
  "prober/storage": { readonly path: string; readonly problem: string };
  /** The stake does not cover another commitment. */
  "prober/no-stake": { readonly detail: string };
  /** No configured or announced URL has the hash of the terms. */
  "prober/no-endpoint": { readonly detail: string };
  /** Too few samples to attest a period. */
  "prober/thin": { readonly detail: string };
  /** A commitment was not revealed in time. */
  "prober/missed": { readonly detail: string };
  /** The meter took a part of the stake. */
  "prober/slashed": { readonly detail: string };
};

export class ProberError<K extends keyof ProberErrors = keyof ProberErrors> extends CodedError<ProberErrors, K> {}
