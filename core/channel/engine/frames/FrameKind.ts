/** First byte of every frame (docs/CHANNELS.md section 4). */
export const FRAME = {
  HELLO: 1,
  CALLS: 2,
  ACK: 3,
  GRANT: 4,
  FUNDS: 5,
  STOP: 6,
  STOPPED: 7,
  REBASE: 8,
  REBASED: 9,
  ASK: 10,
  CLOSE: 11,
  WITHDRAW: 12,
  EXPORT: 13,
  PREIMAGE: 14,
  RELEASE: 15,
  PROOF: 16,
  ERROR: 17,
} as const;

/** Why the vouchers stop. */
export const PURPOSE = { REBASE: 0, CLOSE: 1, GO_ON: 2 } as const;
export type Purpose = (typeof PURPOSE)[keyof typeof PURPOSE];

/** What an ASK frame asks for. */
export const ASK = { REBASE: 0, CLOSE: 1, EXPORT: 2, PROOF: 3 } as const;

/** Length of a compact signature at the end of CALLS, ACK, REBASE and REBASED. */
export const SIGNATURE_BYTES = 64;
