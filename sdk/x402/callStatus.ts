/** Status of a channel's answer to a call that paid for an HTTP request. Anything but 0 costs the buyer nothing. */
export const CALL_STATUS = {
  PAID: 0,
  /** A handler of the channel threw. */
  FAILED: 1,
  /** No HTTP request with the ticket came in time. */
  UNSERVED: 2,
  UNDERPAID: 3,
  /** A call with the same hash is open already. */
  TWICE: 4,
  /** The exchange failed: no answer, or one that is not charged. */
  RELEASED: 5,
} as const;
