import type { WayName } from "../ways/Way.ts";

/**
 * - `reserved`: the budget has set it aside, nothing is signed (or a crash came before it was written down what was)
 * - `open`: a payment is out; it counts as spent until it is known what became of it
 * - `paid`: the money moved
 * - `disputed`: the money moved, and what came is not what the seller signed
 * - `dead`: it did not move and never will; it does not count
 * - `unknown`: it may have moved, and nobody can say any more; it counts as spent
 */
export type ReceiptState = "reserved" | "open" | "paid" | "disputed" | "dead" | "unknown";

/** One paid exchange, or the try of one. */
export interface Receipt {
  readonly id: number;
  /** Unix milliseconds. */
  readonly time: number;
  /** Host and port of the seller. */
  readonly host: string;
  /** Who is paid, lower case. */
  readonly payee: string;
  readonly method: string;
  /** Without query: that may hold secrets. */
  readonly url: string;
  /** sha-256 of the query, hex; empty when there is none. */
  readonly queryHash: string;
  readonly way: WayName;
  /** `eip155:<chain id>` */
  readonly network: string;
  /** Lower case; the zero address for ETH. */
  readonly asset: string;
  /** Base units. */
  readonly amount: bigint;
  readonly state: ReceiptState;
  /** As in docs/SIDECAR.md section 3; empty until there is a payment. */
  readonly key: string;
  /** Unix seconds after which the payment cannot be played any more; 0: not known. */
  readonly expiresAt: number;
  /** What the way needs to find out what became of it. */
  readonly payload: string;
  /** Hex. */
  readonly requestHash: string;
  /** Hex; empty until the whole answer has come. */
  readonly answerHash: string;
  /** HTTP status of the answer; 0: none came. */
  readonly status: number;
  /** What the seller signed or the chain recorded, as it came. */
  readonly attestation: string;
}

export interface ReceiptQuery {
  /** Ids below this one. */
  readonly before?: number;
  /** Default 100. */
  readonly limit?: number;
  readonly host?: string;
  readonly state?: ReceiptState;
  /** Unix milliseconds. */
  readonly since?: number;
}

/** What was spent, in all that was ever written, also in receipts that are no longer kept. */
export interface SpentSum {
  readonly network: string;
  readonly asset: string;
  readonly way: WayName;
  readonly amount: bigint;
  readonly count: number;
}

/** States that count as spent. */
export function isSpent(state: ReceiptState): boolean {
  return state !== "dead";
}
