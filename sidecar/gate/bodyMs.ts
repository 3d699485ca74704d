import type { VerifiedPayment, WayName } from "../ways/Way.ts";
import { SETTLE_SECONDS } from "./Offers.ts";

/**
 * How long the rest of a request may take to come (ms): later its payment might end while the service works, and a body that trickles past
 * that would have the work for nothing. The service has its full time within the payment's life, unless that is short: then the body may
 * take half of it. A call on a channel is held open for what was asked and {@link SETTLE_SECONDS} more.
 */
export function bodyMs(way: WayName, { expiresAt }: Pick<VerifiedPayment, "expiresAt">, timeoutMs: number, nowMs: number): number {
  if (way === "channel" || expiresAt === undefined) return 1_000 * SETTLE_SECONDS;
  const lifeMs = 1_000 * expiresAt - nowMs;
  return Math.max(lifeMs - timeoutMs, lifeMs / 2);
}
