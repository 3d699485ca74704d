import { batchDataRoot } from "../core/codec/batch.ts";
import { toHex } from "../core/codec/hex.ts";
import { SLOT_BYTES } from "../core/generated/protocol.ts";
import { DerivationError } from "./DerivationError.ts";
import type { DataRef } from "./files/L1Log.ts";
import type { L1Event, L1Position, QueuedEntry, SubmittedBatch } from "./L1Event.ts";

export interface KnownEntry extends QueuedEntry {
  readonly at: L1Position;
}

/** A batch without its data, which lie in the log. */
export interface KnownBatch extends Omit<SubmittedBatch, "data"> {
  readonly at: L1Position;
  readonly data: DataRef;
}

export interface KnownEpoch {
  readonly epoch: number;
  /** First batch after it. */
  readonly batchEnd: number;
  readonly steps: number;
  readonly at: L1Position;
}

export interface KnownClaim {
  readonly claimId: string;
  readonly parentClaim: string;
  readonly epoch: number;
  readonly stateRoot: string;
  /** unix seconds */
  readonly closesAt: number;
  readonly backers: readonly string[];
  readonly confirmedAt: L1Position | undefined;
  readonly at: L1Position;
}

export interface KnownPayout {
  readonly index: number;
  readonly recipient: string;
  /** base units */
  readonly amount: bigint;
  readonly paid: boolean;
  readonly at: L1Position;
}

export type ClaimEvent = Extract<L1Event, { type: "claimed" | "backed" | "retracted" | "confirmed" }>;

function requireOrder(what: string, expected: number, actual: number): void {
  if (expected === actual) return;
  throw new DerivationError("derivation/order", { what, expected, actual }, "stop", {
    what: `${what} ${actual} came where ${expected} was due`,
    why: "The L1 endpoint left events out or repeated them",
    todo: "Check the endpoint, then start again",
  });
}

/** @throws DerivationError `derivation/data` when slots do not have the root that the contract computed. */
function requireData(what: string, index: number, slots: number, dataRoot: Uint8Array, data: Uint8Array): void {
  const expected = toHex(dataRoot);
  const actual = data.length === slots * SLOT_BYTES ? toHex(batchDataRoot(data)) : `${data.length} bytes`;
  if (expected === actual) return;
  throw new DerivationError("derivation/data", { what, index, expected, actual }, "stop", {
    what: `The data of ${what} ${index} have root ${actual}, the contract stored ${expected}`,
    todo: "Use an L1 endpoint that serves true logs",
  });
}

/** Everything the contracts said so far, in order and checked against its hashes, and without what was reorganised away. */
export class ChainView {
  readonly entries: KnownEntry[] = [];
  readonly batches: KnownBatch[] = [];
  readonly epochs: KnownEpoch[] = [];
  /** By claim id, in the order in which they were made. */
  readonly claims = new Map<string, KnownClaim>();
  /** By withdrawal index. */
  readonly payouts = new Map<number, KnownPayout>();
  #claimEvents: ClaimEvent[] = [];

  /** Everything that was said of claims, in the order of the L1. */
  get claimEvents(): readonly ClaimEvent[] {
    return this.#claimEvents;
  }

  /** The confirmed claim of the highest epoch. */
  get latestConfirmed(): KnownClaim | undefined {
    let latest: KnownClaim | undefined;
    for (const claim of this.claims.values()) {
      if (claim.confirmedAt !== undefined && (latest === undefined || claim.epoch > latest.epoch)) latest = claim;
    }
    return latest;
  }

  /** Checks without changing anything: call before the event is written down. */
  check(event: L1Event, offset: { entries: number; batches: number }): void {
    if (event.type === "entry") {
      requireOrder("entry", this.entries.length + offset.entries, event.entry.index);
      if (event.entry.slots > 0) requireData("entry", event.entry.index, event.entry.slots, event.entry.dataRoot, event.entry.data);
    } else if (event.type === "batch") {
      requireOrder("batch", this.batches.length + offset.batches, event.batch.index);
      const entries = this.entries.length + offset.entries;
      if (event.batch.queueEnd > entries) requireOrder("entry", entries, event.batch.queueEnd);
      requireData("batch", event.batch.index, event.batch.slots, event.batch.dataRoot, event.batch.data);
    }
  }

  apply(event: L1Event, data: DataRef): void {
    switch (event.type) {
      case "entry":
        return void this.entries.push({ ...event.entry, at: event.at });
      case "batch":
        return void this.batches.push({ ...event.batch, at: event.at, data });
      case "epoch":
        return void this.epochs.push(event);
      case "withdrawn":
        return void this.payouts.set(event.index, event);
      default:
        this.#claimEvents.push(event);
        this.#applyClaim(event);
    }
  }

  /** Forgets what came from blocks above the number. */
  rollback(blockNumber: number): void {
    const isGone = (item: { readonly at: L1Position } | undefined): boolean => item !== undefined && item.at.blockNumber > blockNumber;
    for (const list of [this.entries, this.batches, this.epochs]) while (isGone(list.at(-1))) list.pop();
    for (const [index, payout] of this.payouts) if (isGone(payout)) this.payouts.delete(index);
    this.#claimEvents = this.#claimEvents.filter((event) => !isGone(event));
    this.claims.clear();
    for (const event of this.#claimEvents) this.#applyClaim(event);
  }

  #applyClaim(event: ClaimEvent): void {
    const { claimId } = event;
    if (event.type === "claimed") {
      const { parentClaim, epoch, stateRoot, closesAt, at } = event;
      this.claims.set(claimId, { claimId, parentClaim, epoch, stateRoot, closesAt, backers: [], confirmedAt: undefined, at });
      return;
    }
    const claim = this.claims.get(claimId);
    if (claim === undefined) return; // Backed and confirmed follow their claim; the genesis claim is confirmed without one.
    if (event.type === "confirmed") this.claims.set(claimId, { ...claim, confirmedAt: event.at });
    else if (event.type === "backed") this.claims.set(claimId, { ...claim, backers: [...claim.backers, event.backer] });
    else this.claims.set(claimId, { ...claim, backers: claim.backers.filter((backer) => backer !== event.backer) });
  }
}
