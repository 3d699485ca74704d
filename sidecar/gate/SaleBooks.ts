import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Ledger } from "../ledger/Ledger.ts";
import type { AnswerHeaders } from "./AnswerHeaders.ts";
import type { Exchanges } from "./Exchanges.ts";
import type { GateMetrics } from "./GateMetrics.ts";
import type { RecentAnswers } from "./RecentAnswers.ts";

/** What every sale writes into. */
export interface SaleBooks {
  readonly ledger: Ledger;
  readonly exchanges: Exchanges;
  readonly recent: RecentAnswers;
  readonly answerHeaders: AnswerHeaders;
  readonly metrics: GateMetrics;
  readonly log: Logger;
}
