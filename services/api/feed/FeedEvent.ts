export const FEED_PATH = "/v1/feed";
export const FEED_EVENTS = ["hello", "batch", "entry", "epoch", "claimed", "entered", "eliminated", "confirmed", "withdrawn", "rollback", "divergence"] as const;

/** A message of the feed; with `block`, the L1 block that it comes from, where it comes from one. */
export type FeedEvent = { readonly type: (typeof FEED_EVENTS)[number]; readonly [field: string]: unknown };

export function feedText(event: FeedEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}
