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
  /** The try to decide the epoch after the parent, from 1. */
  readonly round: number;
  readonly epoch: number;
  readonly stateRoot: string;
  /** Of its live entries, in the order in which they entered. */
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

export type ClaimEvent = Extract<L1Event, { type: "claimed" | "entered" | "eliminated" | "confirmed" }>;

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
  /** Live entries by round and number. */
  readonly #entries = new Map<string, { readonly claimId: string; readonly backer: string }>();
  #claimEvents: ClaimEvent[] = [];
  #confirmedId: string | undefined;

  /** Everything that was said of claims, in the order of the L1. */
  get claimEvents(): readonly ClaimEvent[] {
    return this.#claimEvents;
  }

  /** The confirmed claim of the highest epoch: claims are confirmed in the order of their epochs. */
  get latestConfirmed(): KnownClaim | undefined {
    return this.#confirmedId === undefined ? undefined : this.claims.get(this.#confirmedId);
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
    this.#entries.clear();
    this.#confirmedId = undefined;
    for (const event of this.#claimEvents) this.#applyClaim(event);
  }

  #applyClaim(event: ClaimEvent): void {
    switch (event.type) {
      case "claimed": {
        const { claimId, parentClaim, round, epoch, stateRoot, at } = event;
        return void this.claims.set(claimId, { claimId, parentClaim, round, epoch, stateRoot, backers: [], confirmedAt: undefined, at });
      }
      case "entered":
        this.#entries.set(`${event.roundId}:${event.n}`, { claimId: event.claimId, backer: event.backer });
        return this.#changeClaim(event.claimId, ({ backers }) => ({ backers: [...backers, event.backer] }));
      case "eliminated": {
        const key = `${event.roundId}:${event.loser}`;
        const entry = this.#entries.get(key);
        if (entry === undefined) return; // Entries are eliminated once, after they entered.
        this.#entries.delete(key);
        const { backer } = entry;
        return this.#changeClaim(entry.claimId, ({ backers }) => ({ backers: backers.toSpliced(backers.indexOf(backer), 1) }));
      }
      case "confirmed":
        this.#confirmedId = event.claimId;
        return this.#changeClaim(event.claimId, () => ({ confirmedAt: event.at }));
    }
  }

  #changeClaim(claimId: string, change: (claim: KnownClaim) => Partial<KnownClaim>): void {
    const claim = this.claims.get(claimId);
    if (claim !== undefined) this.claims.set(claimId, { ...claim, ...change(claim) });
  }
}
