import { CodedError } from "../../../runtime/errors/CodedError.ts";

/** Error codes of the sequencer's L1 side. Those with the reaction `stop` mean that L1 and this sequencer contradict each other. */
export type L1SideErrors = {
  /** Batch `index` on L1 is not the one that is sealed here. */
  "l1/foreign-batch": { readonly index: number; readonly expected: string; readonly actual: string };
  /** L1 has batches that are not sealed here: somebody else posts, or the log was lost. */
  "l1/unknown-batch": { readonly batchCount: number; readonly sealedCount: number };
  /** The batches on L1 are ours, but consumed other entries than those that were executed here. */
  "l1/foreign-history": { readonly batchCount: number; readonly expected: string; readonly actual: string };
  /** Transactions of a batch revert although L1 says that it would land. */
  "l1/batch-failed": { readonly index: number; readonly detail: string };
  /** Time or queue end run backwards in the sealed batches. */
  "l1/batch-order": { readonly index: number };
  /** L1 does not accept batches so far behind its time any more. */
  "l1/batch-late": { readonly index: number; readonly l2Time: number; readonly l1Time: number };
  /** The batch does not fit into one transaction. */
  "l1/batch-size": { readonly index: number; readonly bytes: number; readonly gas: number };
  /** The batch leaves out an entry that is due at its time. */
  "l1/entry-due": { readonly index: number; readonly entry: number; readonly dueTime: number; readonly l2Time: number };
  /** A batch that was final is gone from L1. */
  "l1/deep-reorg": { readonly index: number };
  /** An entry that was handed over, or executed, is another one on L1 now. */
  "l1/entry-replaced": { readonly index: number; readonly expected: string; readonly actual: string };
  /** What an endpoint said of an entry does not have the hash that the Inbox holds, or is incomplete. */
  "l1/entry-mismatch": { readonly index: number; readonly expected: string; readonly actual: string };
  /** The head changed while L1 was read. */
  "l1/moved": { readonly block: number };
  /** A root that is not ours is confirmed. */
  "l1/false-root": { readonly epoch: number; readonly claimId: string; readonly expected: string; readonly actual: string };
};

export class L1SideError<K extends keyof L1SideErrors = keyof L1SideErrors> extends CodedError<L1SideErrors, K> {}
