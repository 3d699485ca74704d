/** First byte of a log record. */
export const RECORD = {
  /** A frame of ours that is or will be signed, without the signature's bytes where it comes later. */
  OUT: 1,
  /** A frame of the peer. */
  IN: 2,
  /** A start of our process: u64 epoch, 16 bytes boot. */
  BOOT: 3,
  /** The highest start of the peer's: u64 epoch, 16 bytes boot. */
  PEER_BOOT: 4,
  /** Our session key, as a GRANT frame; empty: the principal signs again. */
  OWN_GRANT: 5,
  /** h hashlock: we gave the lock up. */
  RELEASED: 6,
  /** h preimage: we know it and want the lock. */
  CLAIMED: 7,
  /** h preimage: it stands in the chain's register. */
  REGISTERED: 8,
  /** u8: frozen by the chain (0 closing, 1 closed). */
  FROZEN: 9,
  /** u32 version, 20 bytes key, sig: our signature of a base. */
  BASE_SIGNATURE: 11,
  /** 20 bytes key, u16 length ‖ our signature of the close. */
  CLOSE_SIGNATURE: 12,
  /** The whole state; nothing before it is needed. */
  CHECKPOINT: 10,
} as const;
