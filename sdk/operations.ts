import { fromHex } from "../core/codec/hex.ts";
import type { RecordInput } from "../core/codec/record.ts";
import { INVOKE_FLAG, MAX_RATING } from "../core/generated/protocol.ts";
import { keccak256 } from "../core/hash/index.ts";
import type { Amount } from "./amount.ts";
import type { OperationHandle } from "./bundles/OperationHandle.ts";
import { sdkError } from "./SdkError.ts";

/** A live object of the chain: its slot and its never reused id. */
export interface Reference {
  readonly slot: number;
  readonly id: number;
}

/** A reference, or the handle of the operation that made the object (waited for until it is durable). */
export type ReferenceLike = Reference | OperationHandle;

/** What a call's input or output is: text or bytes, of which the chain keeps the keccak-256, or that hash itself. */
export type Content = string | Uint8Array | { readonly hash: string };

/** The 32 bytes that the chain keeps of some content. */
export function contentHash(content: Content): Uint8Array {
  if (typeof content === "string") return keccak256(new TextEncoder().encode(content));
  return content instanceof Uint8Array ? keccak256(content) : fromHex(content.hash, 32);
}

/** What a call asks for. */
export interface InvokeRequest {
  /** Index or address of the agent that is called. */
  readonly provider: number | string;
  readonly price: Amount;
  readonly input: Content;
  /** Seconds from now until which it can be answered. */
  readonly deadlineSeconds: number;
  /** Number of the provider's capability. Default 0. */
  readonly capability?: number;
  /** Pay on acceptance, or when the requester stays silent for so long after the answer. Default: pay on response. */
  readonly review?: { readonly windowSeconds: number };
  /** Makes or continues the session with this provider: "open", or the session to go on with. */
  readonly session?: "open" | Reference;
  /** Calls that must have succeeded before: at most two, one with a session. */
  readonly dependsOn?: ReferenceLike | readonly ReferenceLike[];
}

/** An invoke request with everything looked up that has to be looked up. */
export interface ResolvedInvoke {
  readonly provider: number;
  readonly priceUnits: number;
  /** Unix seconds. */
  readonly deadline: number;
  readonly workflow: Reference | undefined;
  readonly dependencies: readonly Reference[];
}

/**
 * The fields of an INVOKE record (RULES IV-1).
 * @throws SdkError `SDK_INPUT` for more dependencies than a record has room for
 */
export function invokeFields(request: InvokeRequest, resolved: ResolvedInvoke): RecordInput<"INVOKE"> {
  const { workflow, dependencies } = resolved;
  const { review, session } = request;
  const room = session === undefined ? 2 : 1;
  if (dependencies.length > room) throw sdkError("SDK_INPUT", `a call${session === undefined ? "" : " in a session"} can depend on at most ${room} other${room > 1 ? "s" : ""}`);
  const [first, second] = dependencies;
  const aux = second ?? (typeof session === "object" ? session : undefined);
  return {
    flags:
      (review === undefined ? 0 : INVOKE_FLAG.REVIEW) |
      (workflow === undefined ? 0 : INVOKE_FLAG.WORKFLOW) |
      (session === undefined ? 0 : INVOKE_FLAG.SESSION) |
      (first === undefined ? 0 : INVOKE_FLAG.DEPENDENCY) |
      (second === undefined ? 0 : INVOKE_FLAG.SECOND_DEPENDENCY),
    provider: resolved.provider,
    price: resolved.priceUnits,
    deadline: resolved.deadline,
    capability: request.capability ?? 0,
    reviewWindow: review?.windowSeconds ?? 0,
    inputHash: contentHash(request.input),
    workflowSlot: workflow?.slot ?? 0,
    workflowId: workflow?.id ?? 0,
    depSlot: first?.slot ?? 0,
    depId: first?.id ?? 0,
    auxSlot: aux?.slot ?? 0,
    auxId: aux?.id ?? 0,
  };
}

/** @throws SdkError `SDK_INPUT` for a rating outside 0 (none) to 5 */
export function checkedRating(rating: number): number {
  if (!Number.isInteger(rating) || rating < 0 || rating > MAX_RATING) throw sdkError("SDK_INPUT", `a rating is a whole number from 0 (none) to ${MAX_RATING}, not ${rating}`);
  return rating;
}
