/** The first byte of each frame of an authenticated connection (docs/CHANNELS.md section 4, "Connections"). */
export const WIRE = {
  /** channel id (32): this side serves the channel over this connection. */
  JOIN: 1,
  /** channel id (32): not any more. */
  LEAVE: 2,
  /** channel id (32) ‖ frame of the engine. */
  CHANNEL: 3,
  /** Opaque bytes between the two agents, see "Hub". */
  ROUTE: 4,
  PING: 5,
  PONG: 6,
} as const;

export const CHANNEL_HEAD_BYTES = 33;
export const MAX_ROUTE_BYTES = 1 << 20;

/** What stands before a channel's frames, made once a channel. */
export function channelHead(kind: number, channelId: Uint8Array): Uint8Array {
  const head = new Uint8Array(CHANNEL_HEAD_BYTES);
  head[0] = kind;
  head.set(channelId, 1);
  return head;
}
