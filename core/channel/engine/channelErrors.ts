import type { ChannelCode } from "./ChannelCode.ts";

/** What a program should do: try again later, give this request up, or stop and ask for a person. */
interface ChannelErrorText {
  readonly reaction: "retry" | "reject" | "stop";
  readonly what: string;
  readonly todo: string;
}

/** What each code of the channel engine means and what to do about it. */
export const CHANNEL_ERROR_TEXTS: Readonly<Record<ChannelCode, ChannelErrorText>> = {
  "channel/frame": { reaction: "reject", what: "Bytes that are no frame, or a frame that has no place here.", todo: "The peer runs other software, or is hostile; it has to wait before it may connect again." },
  "channel/size": { reaction: "reject", what: "A frame, payload or hash of the wrong size, or too many open calls.", todo: "Send less in one call, or raise the limits on both sides." },
  "channel/network": { reaction: "stop", what: "The peer is in another channel, on another chain, on our side, or speaks another protocol.", todo: "Compare chain, adjudicator and channel config of both." },
  "channel/version": { reaction: "retry", what: "A frame under a base that is not the newest.", todo: "Nothing: the next connection compares what both have." },
  "channel/sequence": { reaction: "retry", what: "A gap, or a sequence that does not follow.", todo: "Nothing: the next connection repeats what is missing." },
  "channel/paid": { reaction: "reject", what: "The voucher pays another total than its entries come to.", todo: "The peer's books are wrong; close the channel if it stays so." },
  "channel/hash": { reaction: "reject", what: "A running hash, or a payload's hash, does not fit.", todo: "The peer's software is faulty; close the channel if it stays so." },
  "channel/signature": { reaction: "reject", what: "A signature is not its signer's.", todo: "The peer has to wait before it may connect again." },
  "channel/signer": { reaction: "reject", what: "No known key of that party, or a contract that would have to sign with a granted key that stands on chain.", todo: "Grant a session key, and for a contract register it on chain." },
  "channel/capacity": { reaction: "reject", what: "More than the confirmed deposits cover.", todo: "Top up, or wait for confirmations." },
  "channel/backpressure": { reaction: "retry", what: "Too much is without a signed answer.", todo: "Wait for answers." },
  "channel/grant-expired": { reaction: "stop", what: "The session key's time is over, or closer than two windows.", todo: "Use another session key." },
  "channel/grant-cap": { reaction: "stop", what: "More than the session key may sign.", todo: "Use a session key with a higher cap." },
  "channel/lock": { reaction: "reject", what: "A lock that cannot be: twice the same, too many, not there, a wrong preimage, or in Layer Core.", todo: "Look at the locks in the channel's status." },
  "channel/lock-expiry": { reaction: "reject", what: "A lock that ends too soon or too late, or is dropped before its end.", todo: "Choose an expiry within four windows, or wait." },
  "channel/locks-open": { reaction: "retry", what: "Locks are open that their payee has not given up.", todo: "Wait until they are settled, dropped or given up." },
  "channel/result": { reaction: "reject", what: "An answer to a call that is not open.", todo: "Answer each delivered call once." },
  "channel/heads": { reaction: "stop", what: "The two sides' totals differ, or the peer claims what it cannot show.", todo: "Compare both statuses; close on chain if they do not come together." },
  "channel/store-behind": { reaction: "stop", what: "A log does not know what its own side signed: it is an old copy, or lost its end.", todo: "Restore the newest store. If it is lost, close on chain with what there is." },
  "channel/two-stores": { reaction: "stop", what: "A store lives twice, or is an old copy.", todo: "Run one process on one store; stop the other." },
  "channel/frozen": { reaction: "stop", what: "The channel is closing, closed, or its store is behind: only its end goes on.", todo: "Close it, or open another." },
  "channel/one-way": { reaction: "reject", what: "The side that is only paid cannot pay.", todo: "Open a channel that pays both ways." },
  "channel/busy": { reaction: "retry", what: "Another handshake is on its way.", todo: "Try again when it is done." },
  "channel/refused": { reaction: "reject", what: "One side does not sign what the other proposes: it is not what its books say.", todo: "Compare both statuses." },
  "channel/clock-skew": { reaction: "stop", what: "The two clocks are too far apart for anything that expires.", todo: "Set the clock." },
  "channel/stalled": { reaction: "retry", what: "The peer does not answer.", todo: "Connect again; close on chain if it stays silent." },
  "channel/flood": { reaction: "reject", what: "More frames at once than were agreed, or a peer that sent garbage not long ago.", todo: "Wait before connecting again." },
  "channel/deposit-lost": { reaction: "stop", what: "A deposit that was confirmed is gone.", todo: "Look at the chain; wait for more confirmations in future." },
  "channel/closing": { reaction: "stop", what: "A close was asked for on chain.", todo: "Answer it if it is less than the evidence." },
  "channel/lock-expiring": { reaction: "stop", what: "The preimage of a lock is known, its end is near, and the payer has not paid.", todo: "Register the preimage on chain now." },
  "channel/grant-expiring": { reaction: "stop", what: "The session key behind the evidence ends soon.", todo: "Record the evidence on chain (checkpoint), or agree on a new base under another key." },
  "channel/limit": { reaction: "reject", what: "A number beyond 2^53 - 1 or another fixed limit.", todo: "Use smaller numbers, or a larger unit." },
  "channel/use": { reaction: "reject", what: "A call of the engine that makes no sense in its state.", todo: "Resume first; connect first." },
  "channel/log": { reaction: "stop", what: "A log record does not fit: the store is damaged, or another channel's.", todo: "Restore the newest store." },
};
