import { CodedError } from "../runtime/errors/CodedError.ts";

/** Error codes of `derivation`. */
export type DerivationErrors = {
  /** The data found on L1 do not have the hash that the contract stored. */
  "derivation/data": { readonly what: string; readonly index: number; readonly expected: string; readonly actual: string };
  /** The endpoint has a batch's header and not its data. */
  "derivation/missing": { readonly index: number; readonly blockNumber: number };
  /** Events of the inbox are missing or out of order. */
  "derivation/order": { readonly what: string; readonly expected: number; readonly actual: number };
  /** The L1 answered about blocks that changed under the question. */
  "derivation/moved": { readonly block: number };
  /** Files written by another version, or for another chain. */
  "derivation/format": { readonly path: string; readonly expected: string; readonly actual: string };
  /** A root that somebody claims is not the one that L1's data give. */
  "derivation/root": { readonly batchCount: number; readonly expected: string; readonly actual: string };
  /** Nothing old enough is kept to go back to. */
  "derivation/rewind": { readonly block: number };
};

export class DerivationError<K extends keyof DerivationErrors = keyof DerivationErrors> extends CodedError<DerivationErrors, K> {}
