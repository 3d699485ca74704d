import { TowerStateError } from "../../chain/tower/TowerStateError.ts";
import type { Reaction } from "../../runtime/errors/CodedError.ts";
import { HttpError } from "../../runtime/errors/HttpError.ts";
import type { HttpErrorTable } from "../../runtime/errors/HttpError.ts";

/** Error codes of the watchtower; those of its alarms are told and never thrown. */
export type TowerErrors = {
  "tower/body": { readonly problem: string };
  "tower/too-large": { readonly limitBytes: number };
  "tower/too-many": { readonly limit: number; readonly retryAfterSeconds: number };
  "tower/unknown-route": { readonly path: string };
  "tower/wrong-chain": { readonly expectedChainId: number; readonly expectedAdjudicator: string; readonly expectedTowerBond: string };
  "tower/signature": { readonly problem: string };
  "tower/grant-cap": { readonly problem: string };
  "tower/state": { readonly problem: string };
  "tower/sealed": { readonly problem: string };
  "tower/grant-unknown": { readonly key: string };
  "tower/grant-short": { readonly validUntil: number; readonly neededUntil: number };
  "tower/window": { readonly windowSeconds: number; readonly minSeconds: number; readonly maxSeconds: number };
  "tower/home": { readonly home: number };
  "tower/not-open": { readonly channelId: string; readonly status: number };
  "tower/too-small": { readonly heldUnits: number };
  "tower/old-state": { readonly version: number; readonly sequence: number; readonly paid: number };
  "tower/contradiction": { readonly version: number; readonly sequence: number; readonly paid: number };
  "tower/endorsement": { readonly version: number; readonly sequence: number; readonly paid: number };
  "tower/full": { readonly limit: number };
  "tower/busy": Record<string, never>;
  "tower/not-ready": Record<string, never>;
  "tower/storage": Record<string, never>;
  "tower/not-found": Record<string, never>;
  "tower/internal": Record<string, never>;
  "tower/late": { readonly channelId: string; readonly version: number; readonly paid: number };
  "tower/near-deadline": { readonly channelId: string; readonly secondsLeft: number };
  "tower/low-balance": { readonly address: string; readonly balanceWei: bigint };
  "tower/l1-down": { readonly endpoints: number };
  "tower/not-bonded": { readonly tower: string };
  "tower/core-down": { readonly path: string };
  "tower/core-account": { readonly address: string };
  "tower/core-refused": { readonly reason: string };
  "tower/no-contract": { readonly name: string };
};

export type TowerErrorCode = keyof TowerErrors;

const TEXTS: HttpErrorTable<TowerErrors> = {
  "tower/body": { status: 400, what: "the body is not the JSON of a state", todo: "send what the SDK's TowerClient sends" },
  "tower/too-large": { status: 413, what: "the body is larger than any state", todo: "send one state a request" },
  "tower/too-many": { status: 429, what: "more requests than one address may make", todo: "wait for as long as Retry-After says; a state replaces all before it, so only the newest is needed" },
  "tower/unknown-route": { status: 404, what: "there is no such route", todo: "see docs/RUNBOOK.md" },
  "tower/wrong-chain": { status: 422, what: "the state is of another chain, adjudicator or tower bond", todo: "choose a tower of this chain" },
  "tower/signature": { status: 422, what: "a signature is not the party's", todo: "send the state as both engines logged it" },
  "tower/grant-cap": { status: 422, what: "a session key signed for more than it may", todo: "have the state signed anew by the principal, or under a higher grant" },
  "tower/state": { status: 422, what: "no adjudicator would take the state", todo: "correct what `problem` names" },
  "tower/sealed": { status: 422, what: "the sealed body is not one", todo: "seal it with the SDK" },
  "tower/grant-unknown": { status: 422, what: "the grant of a contract is not registered", todo: "call registerGrant first: a tower takes no signature that can change its mind" },
  "tower/grant-short": { status: 422, what: "a session key ends too soon for a promise", todo: "rebase under a fresh grant and send that" },
  "tower/window": { status: 422, what: "the channel's window is outside of what this tower can answer in", todo: "choose another window or another tower" },
  "tower/home": { status: 422, what: "this tower does not watch that home", todo: "choose a tower that watches Layer Core" },
  "tower/not-open": { status: 409, what: "the channel is not open", todo: "open it first; a tower promises nothing for a close that has begun" },
  "tower/too-small": { status: 422, what: "the channel holds less than this tower watches for", todo: "deposit more or choose another tower" },
  "tower/old-state": { status: 409, what: "the tower has a newer state of this side", todo: "send the newest state" },
  "tower/contradiction": { status: 409, what: "the other side signed two states that exclude each other", todo: "close the channel with the better one" },
  "tower/endorsement": { status: 409, what: "the tower has an endorsed state of this version", todo: "endorse the voucher: an endorsed one gives way only to another" },
  "tower/full": { status: 503, what: "the tower watches as many channels as it can", todo: "choose another tower; what it watches stays watched" },
  "tower/busy": { status: 503, what: "too many states are being looked at", todo: "send it again in a moment" },
  "tower/not-ready": { status: 503, what: "the tower does not see L1 at the moment and promises nothing", todo: "ask again, or choose another tower" },
  "tower/storage": { status: 507, what: "the state could not be written to disk, so it is not watched", todo: "ask again later, or choose another tower" },
  "tower/not-found": { status: 404, what: "nothing is watched under this id and side", todo: "hand a state in" },
  "tower/internal": { status: 500, what: "the tower made a mistake", todo: "see its log; asking again may help" },
  "tower/late": { status: 500, what: "a channel closed below what was promised", todo: "look at fees, endpoints and balance: the bond can be slashed" },
  "tower/near-deadline": { status: 500, what: "little is left of a window and the answer is not in the chain", todo: "look at fees, endpoints and balance" },
  "tower/low-balance": { status: 500, what: "an account of the tower is low", todo: "send ETH to it" },
  "tower/l1-down": { status: 500, what: "no L1 endpoint answers", todo: "check the endpoints" },
  "tower/not-bonded": { status: 500, what: "the tower's signer has no bond, or it is leaving: its receipts are worth nothing", todo: "bond it on TowerBond" },
  "tower/core-down": { status: 503, what: "the replica or the sequencer of Layer Core does not answer", todo: "check them; answers go by L1's queue when they have to" },
  "tower/core-account": { status: 500, what: "the tower has no account in Layer Core", todo: "deposit to its address through the bridge" },
  "tower/core-refused": { status: 500, what: "the sequencer refused an answer", todo: "see the reason; it goes by L1's queue when it has to" },
  "tower/no-contract": { status: 500, what: "the deployment names no such contract", todo: "name its address in the settings" },
};

const RETRY_STATUS = [429, 500, 503, 507];

/** A refusal of the watchtower. */
export class TowerError<K extends TowerErrorCode = TowerErrorCode> extends HttpError<TowerErrors, K> {
  constructor(code: K, payload: TowerErrors[K], options?: { cause?: unknown; reaction?: Reaction }) {
    super(TEXTS, code, payload, { cause: options?.cause, reaction: options?.reaction ?? (RETRY_STATUS.includes(TEXTS[code].status) ? "retry" : "reject") });
  }
}

/** What the checks of `chain/tower` throw, as a refusal. */
export function toTowerError(thrown: unknown): unknown {
  if (!(thrown instanceof TowerStateError)) return thrown;
  return new TowerError(thrown.code, { problem: thrown.message }, { cause: thrown });
}
