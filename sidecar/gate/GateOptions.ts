import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { PriceBook } from "../pricing/PriceBook.ts";
import type { Way } from "../ways/Way.ts";
import type { AnswerHeaders } from "./AnswerHeaders.ts";
import type { GateMetrics } from "./GateMetrics.ts";

/** Everything that a stranger can make more of has a limit here. */
export interface GateLimits {
  /** PAYMENT-SIGNATURE. */
  readonly maxPaymentHeaderBytes: number;
  /** Paid requests with a body up to this need no Content-Digest: it is read first. */
  readonly hashBodyBytes: number;
  /** Sales at once, in all and to one address. */
  readonly maxExchanges: number;
  readonly maxExchangesPerAddress: number;
  /** Payments that are being verified, in all and from one address. */
  readonly maxVerifying: number;
  readonly maxVerifyingPerAddress: number;
  /** Requests that wait for the answer to a payment that another request brought, in all, from one address and for one payment. */
  readonly maxWaiters: number;
  readonly maxWaitersPerAddress: number;
  readonly maxWaitersPerPayment: number;
  readonly repeatWaitMs: number;
  /** Last answers that no ledger keeps. Bytes. */
  readonly recentBytes: number;
  /** How often what is unfinished is looked at. */
  readonly sweepMs: number;
  /** So soon again while something is in doubt, and then after twice as long each time, up to `sweepMs`. */
  readonly doubtMs: number;
}

export const GATE_LIMITS: GateLimits = {
  maxPaymentHeaderBytes: 16_384,
  hashBodyBytes: 65_536,
  maxExchanges: 4_096,
  maxExchangesPerAddress: 1_024,
  maxVerifying: 512,
  maxVerifyingPerAddress: 64,
  maxWaiters: 512,
  maxWaitersPerAddress: 64,
  maxWaitersPerPayment: 8,
  repeatWaitMs: 30_000,
  recentBytes: 16 * 2 ** 20,
  sweepMs: 5_000,
  doubtMs: 250,
};

export interface GateOptions {
  readonly ways: readonly Way[];
  readonly prices: PriceBook;
  readonly ledger: Ledger;
  readonly log: Logger;
  /** What stands before a path in the URL of a 402: `https://agent.example`; default: nothing, the URL is the path. */
  readonly baseUrl?: string | undefined;
  readonly limits?: Partial<GateLimits> | undefined;
  readonly answerHeaders?: AnswerHeaders | undefined;
  readonly metrics?: GateMetrics | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
}
