import type { ChannelChainEvent } from "../../chain/channels/channelEvents.ts";

/** What is recorded of a channel without locks, from its events in any order and any number: all of it only grows within a version. */
export function foldChannelEvents(events: readonly ChannelChainEvent[]): { version: number; paid: number[]; deadline: number } {
  const version = Math.max(0, ...events.map((event) => (event.kind === "baseRecorded" ? event.version : 0)));
  const paid = [0, 0];
  let deadline = 0;
  for (const event of events) {
    if (event.kind === "baseRecorded" && event.version === version) {
      paid[0] = Math.max(paid[0]!, event.paidByA);
      paid[1] = Math.max(paid[1]!, event.paidByB);
    }
    if (event.kind === "voucherRecorded" && event.version === version) paid[event.payer] = Math.max(paid[event.payer]!, event.paid);
    if (event.kind === "challenged" || event.kind === "extended") deadline = Math.max(deadline, event.deadline);
  }
  return { version, paid, deadline };
}
