import type { DisputeCall } from "../decide/DisputeAction.ts";

/** What an intent of the challenger is for, read back from its id. */
export type IntentPurpose =
  | { readonly type: "enter" | "confirm" | "reject"; readonly claimId: string }
  | { readonly type: "open" | "release" | "settleOpening"; readonly roundId: string; readonly n: number }
  | { readonly type: "answer" | "prove"; readonly roundId: string; readonly i: number; readonly j: number; readonly move: string }
  | { readonly type: "timeout" | "settle"; readonly roundId: string; readonly i: number; readonly j: number }
  | { readonly type: "withdraw" };

/**
 * The id names the wish: two turns that want the same ask once. Answers carry the move that they answer, openings the claim, so that
 * after a reorganisation another board makes another wish. Claiming and backing are one wish: to have an entry.
 */
export function intentIdOf(call: DisputeCall, seen: { readonly nextEpoch: number; readonly creditWei: bigint }): string {
  switch (call.type) {
    case "claim":
    case "back":
      return `enter:${call.claimId}:${call.attempt}`;
    case "open":
      return `open:${call.roundId}:${call.n}:${call.claimId.slice(2, 18)}`;
    case "answer":
    case "prove":
      return `${call.type}:${call.roundId}:${call.i}:${call.j}:${call.move}`;
    case "timeout":
    case "settle":
      return `${call.type}:${call.roundId}:${call.i}:${call.j}`;
    case "confirm":
    case "reject":
      return `${call.type}:${call.claimId}`;
    case "release":
    case "settleOpening":
      return `${call.type}:${call.roundId}:${call.n}`;
    case "withdraw":
      return `withdraw:${seen.nextEpoch}:${seen.creditWei}`;
  }
}

/** Undefined for intents that are not of the challenger's calls. */
export function purposeOf(intentId: string): IntentPurpose | undefined {
  const [type = "", subject = "", first = "", second = "", move = ""] = (intentId.split("#")[0] ?? "").split(":");
  switch (type) {
    case "enter":
    case "confirm":
    case "reject":
      return { type, claimId: subject };
    case "open":
    case "release":
    case "settleOpening":
      return { type, roundId: subject, n: Number(first) };
    case "answer":
    case "prove":
      return { type, roundId: subject, i: Number(first), j: Number(second), move };
    case "timeout":
    case "settle":
      return { type, roundId: subject, i: Number(first), j: Number(second) };
    case "withdraw":
      return { type };
    default:
      return undefined;
  }
}
