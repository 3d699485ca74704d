import { CodedError } from "../../runtime/errors/CodedError.ts";

/** Error codes of the challenger; those of its alarms are told and never thrown. */
export type ChallengerErrors = {
  /** The head changed while it was read, or the replica has not caught up with it. */
  "challenger/moved": { readonly block: number };
  /** A root that is not the replica's is confirmed. */
  "challenger/false-confirmed": { readonly epoch: number; readonly expected: string; readonly actual: string };
  /** Nothing true stands in a round that takes no more entries. */
  "challenger/round-lost": { readonly epoch: number; readonly parent: string };
  /** More entries, or dearer ones, than the settings allow. */
  "challenger/entry-limit": { readonly epoch: number; readonly entries: number; readonly priceWei: bigint };
  /** Claims stand beyond the unconfirmed epochs that are read: nobody watches them. */
  "challenger/epoch-limit": { readonly epoch: number; readonly maxEpochs: number };
  /** The account cannot pay the bonds that are due, or is below the limit. */
  "challenger/low-balance": { readonly balanceWei: bigint; readonly missingWei: bigint; readonly minBalanceWei: bigint };
  /** The endpoint has no event of a move that the contract holds. */
  "challenger/missing-move": { readonly epoch: number; readonly i: number; readonly j: number; readonly move: string };
  /** An own clock ran out. */
  "challenger/late": { readonly epoch: number; readonly i: number; readonly j: number };
};

export class ChallengerError<K extends keyof ChallengerErrors = keyof ChallengerErrors> extends CodedError<ChallengerErrors, K> {}
