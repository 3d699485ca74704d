import type { Leaf, Position } from "../../../core/dispute/index.ts";
import type { ChallengerErrors } from "../ChallengerError.ts";

/** What a person has to look at. */
export interface DisputeAlarm {
  readonly code: Exclude<keyof ChallengerErrors, "challenger/moved">;
  readonly detail: string;
  readonly values: Readonly<Record<string, string | number | bigint>>;
}

interface Urgent {
  /** unix seconds after which it is too late; Infinity if it never is */
  readonly deadline: number;
  /** Wei sent along. */
  readonly valueWei: bigint;
}

/** One call to make, or something to tell. */
export type DisputeAction =
  | ({ readonly type: "claim"; readonly epoch: number; readonly parent: string; readonly round: number; readonly claimId: string; readonly root: string; readonly accumulator: string; readonly attempt: number } & Urgent)
  | ({ readonly type: "back"; readonly epoch: number; readonly claimId: string; readonly attempt: number } & Urgent)
  | ({ readonly type: "open"; readonly epoch: number; readonly claimId: string; readonly roundId: string; readonly n: number } & Urgent)
  | ({ readonly type: "answer"; readonly epoch: number; readonly roundId: string; readonly i: number; readonly j: number; readonly move: string; readonly position: Position } & Urgent)
  | ({ readonly type: "prove"; readonly epoch: number; readonly roundId: string; readonly i: number; readonly j: number; readonly move: string; readonly leaf: Leaf } & Urgent)
  | ({ readonly type: "timeout"; readonly roundId: string; readonly i: number; readonly j: number } & Urgent)
  | ({ readonly type: "confirm"; readonly epoch: number; readonly claimId: string } & Urgent)
  | ({ readonly type: "reject"; readonly claimId: string } & Urgent)
  | ({ readonly type: "release"; readonly roundId: string; readonly n: number } & Urgent)
  | ({ readonly type: "settle"; readonly roundId: string; readonly i: number; readonly j: number } & Urgent)
  | ({ readonly type: "settleOpening"; readonly roundId: string; readonly n: number } & Urgent)
  | ({ readonly type: "withdraw" } & Urgent)
  | { readonly type: "alarm"; readonly alarm: DisputeAlarm };

/** An action that is a call. */
export type DisputeCall = Exclude<DisputeAction, { type: "alarm" }>;
