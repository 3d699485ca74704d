import type { Lock } from "../../../../core/channel/index.ts";

/** What a channel has to give so that payments can pass it. */
export interface RouteLink {
  /** Address of the other side, lower case. */
  readonly peer: string;
  readonly windowSeconds: number;
  /** Sends opaque bytes beside the channel's own frames. Nothing is promised: they may be lost with the connection. */
  sendRoute(bytes: Uint8Array): void;
  /** Promises to pay the other side against the preimage; resolves when it has signed that it holds the lock. */
  addLock(lock: Lock): Promise<void>;
  /** Pays a lock of ours whose preimage is known; resolves when the other side has signed that it was paid. */
  settleLock(preimage: Uint8Array): Promise<void>;
  /** Takes back a lock of ours that has expired without its preimage. */
  dropLock(hashlock: Uint8Array): Promise<void>;
  /** Gives a lock of the other side up: it owes nothing for it, and may take it back before its end. */
  releaseLock(hashlock: Uint8Array): void;
  /** Open locks of the other side, which pay us: on our disk. */
  incomingLocks(): readonly Lock[];
  /** Open locks of ours. */
  outgoingLocks(): readonly Lock[];
}

/** The register of preimages on L1, one for all channels (`registerPreimage`). */
export interface PreimageRegister {
  /** Registers it; done when it is mined. Doing it twice does no harm. */
  register(preimage: Uint8Array): Promise<void>;
  /** The preimage and the L1 time of its registration in seconds. */
  find(hashlock: Uint8Array): Promise<{ readonly preimage: Uint8Array; readonly registeredAt: number } | undefined>;
}

/** Signs 32-byte digests for an agent, as its channels do. */
export interface DigestSigner {
  /** Lower case. */
  readonly address: string;
  /** 64 bytes, EIP-2098. */
  sign(digest: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** Remembers secrets of payments that are under way, before anything is said that depends on them. */
export interface RouteJournal {
  /** Resolves when it is on disk. */
  put(hashlock: Uint8Array, preimage: Uint8Array): Promise<void>;
  /** The preimage, if it is known. */
  get(hashlock: Uint8Array): Uint8Array | undefined;
}
