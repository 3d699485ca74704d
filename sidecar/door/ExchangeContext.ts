import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Gate } from "../gate/Gate.ts";
import type { RequestHead } from "../gate/RequestHead.ts";
import type { DoorLimits } from "./DoorLimits.ts";
import type { RunningExchanges } from "./RunningExchanges.ts";
import type { UpstreamAddress } from "./upstream/UpstreamAddress.ts";
import type { UpstreamPool } from "./upstream/UpstreamPool.ts";

/** How an exchange ended. `broken`: after its head was sent, or the client left. */
export type DoorOutcome = "free" | "sold" | "refused" | "repeated" | "failed" | "broken" | "busy";

/** What the door counts. */
export interface DoorMetrics {
  /** @param seconds from the request's head to the end of its answer */
  exchange(outcome: DoorOutcome, seconds: number): void;
}

/** Where requests go. */
export interface DoorService {
  readonly pool: UpstreamPool;
  readonly address: UpstreamAddress;
}

/** What all exchanges of a door share. */
export interface ExchangeContext {
  readonly gate: Gate;
  /** The service behind, for a request. */
  serviceFor(head: RequestHead): DoorService;
  readonly limits: DoorLimits;
  readonly log: Logger;
  readonly metrics: DoorMetrics | undefined;
  readonly running: RunningExchanges;
  /** What answers that are paid after them take of memory now. */
  readonly held: { bytes: number };
  readonly isDraining: boolean;
}

/**
 * deciding: the gate thinks. asking: the request goes to the upstream, its answer's head is awaited. waiting: the head is there, the sale is
 * being settled or cancelled (or the body's digest awaited), and pieces wait. holding: the answer is collected. flowing: it streams. sent: all
 * is written to the client. over: nothing is left to do.
 */
export type ExchangePhase = "deciding" | "asking" | "waiting" | "holding" | "flowing" | "sent" | "over";
