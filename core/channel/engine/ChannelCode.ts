/**
 * Why a channel refuses: what `call` and its kin throw, what a cut connection and the ERROR frame say, what an alarm names.
 * The order is the number on the wire: append only.
 */
export const CHANNEL_CODES = [
  "channel/frame", // bytes that are no frame, or a frame that has no place here
  "channel/size", // a frame or payload that is longer than was agreed, or too many open calls
  "channel/network", // another channel, protocol version, or side than ours
  "channel/version", // a frame under a base that is not the newest
  "channel/sequence", // a gap, or a sequence that does not follow
  "channel/paid", // the voucher pays another total than its entries come to
  "channel/hash", // a running hash or payload hash that does not fit
  "channel/signature", // a signature that is not its signer's
  "channel/signer", // no key of that party, or a contract's own signature where a granted key must sign
  "channel/capacity", // more than the confirmed deposits cover
  "channel/backpressure", // too much value without a signed answer: wait for answers
  "channel/grant-expired", // the session key's time is over, or closer than two windows
  "channel/grant-cap", // more than the session key may sign
  "channel/lock", // a lock that cannot be: twice the same, too many, not there, wrong preimage, or home Layer Core
  "channel/lock-expiry", // a lock that ends too soon or too late, or is dropped before its end
  "channel/locks-open", // not while locks are open that their payee has not given up
  "channel/result", // an answer to a call that is not open, or a wrong count of answers
  "channel/heads", // the peer says that it has what neither of us can have
  "channel/store-behind", // the peer has signatures of ours that our log does not know: the log is old
  "channel/two-stores", // the peer's store lives twice, or ours does
  "channel/frozen", // closing, closed, or behind: only what ends the channel goes on
  "channel/one-way", // the side that is only paid cannot pay
  "channel/busy", // another handshake is on its way
  "channel/refused", // we do not sign that: it is not what our books say
  "channel/clock-skew", // the peer's clock is too far from ours
  "channel/stalled", // the peer does not answer
  "channel/flood", // more frames at once than were agreed
  "channel/deposit-lost", // a confirmed deposit is gone
  "channel/closing", // a close was asked for on chain
  "channel/lock-expiring", // we know the preimage and the payer does not pay: register it on chain now
  "channel/grant-expiring", // the peer's session key ends soon: record what it signed on chain, or rebase under another key
  "channel/limit", // a number beyond 2^53 - 1 or another fixed limit
  "channel/use", // a call of the engine that makes no sense in its state
  "channel/log", // a log record that does not fit: the store is damaged or another's
] as const;

export type ChannelCode = (typeof CHANNEL_CODES)[number];

/** A refusal of the engine; nothing was changed. */
export class ChannelError extends Error {
  readonly code: ChannelCode;

  constructor(code: ChannelCode, message: string) {
    super(message);
    this.name = "ChannelError";
    this.code = code;
  }
}
