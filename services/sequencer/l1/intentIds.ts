/** What an intent of this process is for, written into its id. */
export type IntentPurpose =
  | { readonly type: "batch"; readonly index: number }
  | { readonly type: "claim" | "confirm"; readonly claimId: string }
  | { readonly type: "release"; readonly roundId: string; readonly n: number }
  | { readonly type: "credit" }
  | { readonly type: "close"; readonly epoch: number };

export const batchIntentId = (index: number): string => `batch:${index}`;
export const claimIntentId = (claimId: string, accumulator: string): string => `claim:${claimId}:${accumulator.slice(2, 18)}`;
export const confirmIntentId = (claimId: string): string => `confirm:${claimId}`;
export const releaseIntentId = (roundId: string, n: number): string => `release:${roundId}:${n}`;
/** At most once for each confirmed epoch. */
export const creditIntentId = (nextEpoch: number): string => `credit:${nextEpoch}`;
export const closeIntentId = (epoch: number): string => `close:${epoch}`;

/** Undefined for intents that are not of this process, e.g. fillers of the transaction manager. */
export function purposeOf(intentId: string): IntentPurpose | undefined {
  const [type = "", subject = "", part = ""] = (intentId.split("#")[0] ?? "").split(":");
  if (type === "batch") return { type, index: Number(subject) };
  if (type === "close") return { type, epoch: Number(subject) };
  if (type === "release") return { type, roundId: subject, n: Number(part) };
  if (type === "credit") return { type };
  if (type === "claim" || type === "confirm") return { type, claimId: subject };
  return undefined;
}
