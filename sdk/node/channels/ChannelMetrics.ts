/** What a peer counts; give an object with these to `ChannelPeer` to see it. All are since the start. */
export interface ChannelMetrics {
  connections(open: number): void;
  /** A frame of a channel, in bytes with its head. */
  frameSent(bytes: number): void;
  frameReceived(bytes: number): void;
  /** Signatures made or checked, and the time that the calling thread spent, in ms. */
  signed(count: number, ms: number): void;
  verified(count: number, ms: number): void;
  /** A connection was ended by us for what the peer did. */
  cut(code: string): void;
  alarm(code: string): void;
}
