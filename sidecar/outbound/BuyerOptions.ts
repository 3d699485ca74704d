import type { FetchPolicy } from "../../runtime/fetch/FetchPolicy.ts";
import type { AssetLimits } from "./Budget.ts";
import type { BuyerEvent } from "./OutboundRequest.ts";
import type { BuyerWay } from "./ways/BuyerWay.ts";

export interface BuyerOptions {
  /** For receipts and the budget; one buyer at a time. */
  readonly dir: string;
  /** Assets that may be paid with, and how much. What is not here is never signed for. */
  readonly limits: readonly AssetLimits[];
  /** In order of preference. */
  readonly ways: readonly BuyerWay[];
  /** The address that pays in each of these ways, where it is one: sealed bodies are bound to it. */
  readonly payer?: string | undefined;
  /** Hosts that may be asked at all: `example.org`, `*.example.org`, `example.org:8443`. Default: every one that the policy lets. */
  readonly hosts?: readonly string[] | undefined;
  /** Who may be paid, by address. Default: anybody. */
  readonly agents?: readonly string[] | undefined;
  /** The registered agent that answers at an origin: then nobody else is paid there. */
  readonly payeeOf?: ((url: URL) => string | undefined | Promise<string | undefined>) | undefined;
  /** Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  /** Origins that the operator names, which may be private and plain http, such as `http://10.0.0.7:8080`. */
  readonly privateOrigins?: readonly string[] | undefined;
  /** Until the head of an answer is there. Default 60 s. */
  readonly answerMs?: number;
  /** Between two pieces of an answer's body. Default 120 s. */
  readonly idleMs?: number;
  /** Streams up to this size are kept, to be sent twice. Default 1 MiB. */
  readonly keepBodyBytes?: number;
  /** How often a lost answer is asked for again, with the same payment. Default 3. */
  readonly retries?: number;
  /** Before the first time; doubled each time. Default 200 ms. */
  readonly retryMs?: number;
  /** How long a payment whose answer was lost is used for the same request when that is made again. Default 5 min. */
  readonly reuseMs?: number;
  /** Default 1,024. */
  readonly maxInFlight?: number;
  /** Default 256. */
  readonly maxConnectionsPerHost?: number;
  /** Default 1,024. */
  readonly maxKnownPrices?: number;
  /** Receipts older than this, and all but the newest so many, are forgotten; the sums stay. Default 90 days, 1,000,000. */
  readonly keepReceiptsMs?: number;
  readonly maxReceipts?: number;
  /** How often it is asked what became of payments without an outcome. Default 30 s. */
  readonly settleEveryMs?: number;
  readonly onEvent?: ((event: BuyerEvent) => void) | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
}
