import { CodedError } from "../../../runtime/errors/CodedError.ts";
import type { Reaction } from "../../../runtime/errors/CodedError.ts";

/** What goes wrong around a channel's engine: disk, wire, identity. The engine's own refusals have codes of their own. */
export type ChannelErrors = {
  "channel/store-locked": { readonly dir: string };
  "channel/store-damaged": { readonly file: string; readonly offset: number };
  "channel/store-format": { readonly file: string; readonly found: number; readonly known: number };
  "channel/store-failed": { readonly file: string };
  "channel/store-full": { readonly file: string };
  "channel/store-closed": { readonly dir: string };
  "channel/two-stores": { readonly peer: string };
  "channel/unreachable": { readonly address: string };
  "channel/connection-lost": { readonly address: string };
  "channel/peer-stalled": { readonly peer: string; readonly waitedMs: number };
  "channel/garbage": { readonly peer: string };
  "channel/flood": { readonly peer: string };
  "channel/identity": { readonly address: string };
  "channel/wrong-network": { readonly ours: string; readonly theirs: string };
  "channel/clock-skew": { readonly skewSeconds: number; readonly allowedSeconds: number };
  "channel/worker": { readonly worker: string };
  "channel/unknown": { readonly channelId: string };
  "channel/exists": { readonly channelId: string };
  "channel/closed": { readonly channelId: string };
  "channel/call-failed": { readonly status: number };
  "channel/call-timeout": { readonly waitedMs: number };
  "channel/too-large": { readonly bytes: number; readonly limit: number };
};

export type ChannelErrorCode = keyof ChannelErrors;

interface Text {
  readonly reaction: Reaction;
  readonly what: string;
  readonly todo: string;
}

const text = (reaction: Reaction, what: string, todo: string): Text => ({ reaction, what, todo });

/** What each code means and what to do about it, also for the error reference. */
export const CHANNEL_ERROR_TEXTS: Readonly<Record<ChannelErrorCode, Text>> = {
  "channel/store-locked": text("stop", "The channel store is in use by another process", "Stop the other one: two writers could sign two states at one version"),
  "channel/store-damaged": text("stop", "The channel store is damaged before its end", "Do not sign with it: close the channels with the newest state that the peer or a tower has"),
  "channel/store-format": text("stop", "The channel store was written by another version", "Run the version that wrote it"),
  "channel/store-failed": text("stop", "The disk did not confirm what was written", "Check the disk and start again; what was not on it has not been sent"),
  "channel/store-full": text("retry", "The disk of the channel store is full", "Free some space; nothing was acknowledged, and work goes on by itself then"),
  "channel/store-closed": text("stop", "The channel store was closed", "Open it again"),
  "channel/two-stores": text("stop", "The store of a channel lives twice", "Run the newer one only; a copy of a store must never sign"),
  "channel/unreachable": text("retry", "The peer cannot be reached", "Check its address and that it serves"),
  "channel/connection-lost": text("retry", "The connection to the peer ended", "It is made again by itself; a call that was sent is not charged twice"),
  "channel/peer-stalled": text("retry", "The peer does not answer", "Wait for it, or close the channel; at most the cap on unacknowledged value is at risk"),
  "channel/garbage": text("reject", "The peer sent what the protocol does not have", "Its connection was cut; the channel is as it was"),
  "channel/flood": text("reject", "The peer sends more than it may", "Its connection was cut; the channel is as it was"),
  "channel/identity": text("reject", "Who is at the other end is not who was expected", "Check the peer's address; nothing was sent to it"),
  "channel/wrong-network": text("stop", "The peer is on another chain or uses another adjudicator", "Use the deployment that the channel was opened in"),
  "channel/clock-skew": text("retry", "The clocks of the two sides differ too much", "Set the clock: expiries of session keys and locks depend on it"),
  "channel/worker": text("stop", "A signature worker ended by itself", "Start again; the store is whole"),
  "channel/unknown": text("reject", "There is no such channel here", "Open it first, or check the id"),
  "channel/exists": text("reject", "The channel is here already", "Use it"),
  "channel/closed": text("reject", "The channel is closed or closing", "Open another one"),
  "channel/call-failed": text("reject", "The peer answered that the call failed", "It cost nothing; see the status"),
  "channel/call-timeout": text("retry", "The call was not answered in time", "It may still be answered: ask with the same id, or close the channel"),
  "channel/too-large": text("reject", "A message is larger than a frame may be", "Send less at once"),
};

/** A failure of the shell around the engine. `payload` is for programs. */
export class ChannelError<K extends ChannelErrorCode = ChannelErrorCode> extends CodedError<ChannelErrors, K> {}

/** @param why what is known about this one */
export function channelError<K extends ChannelErrorCode>(code: K, payload: ChannelErrors[K], why = "", cause?: unknown): ChannelError<K> {
  const { reaction, what, todo } = CHANNEL_ERROR_TEXTS[code];
  return new ChannelError(code, payload, reaction, { what, why, todo }, cause === undefined ? undefined : { cause });
}
