import { TabledError } from "../../../runtime/errors/TabledError.ts";
import type { ErrorTable } from "../../../runtime/errors/TabledError.ts";

/** What goes wrong around a channel's engine: disk, wire, identity, waiting. The engine's refusals have codes of their own beside these. */
export type ChannelShellErrors = {
  "channel/store-locked": { readonly dir: string };
  "channel/store-damaged": { readonly file: string; readonly offset: number };
  "channel/store-format": { readonly file: string; readonly found: number; readonly known: number };
  "channel/store-failed": { readonly file: string };
  "channel/store-full": { readonly file: string };
  "channel/store-closed": { readonly dir: string };
  "channel/unreachable": { readonly address: string };
  "channel/connection-lost": { readonly address: string };
  "channel/replaced": { readonly peer: string };
  "channel/banned": { readonly peer: string; readonly forMs: number };
  "channel/stalled": { readonly address: string; readonly waitedMs: number };
  "channel/frame": { readonly address: string };
  "channel/size": { readonly address: string; readonly limitBytes: number };
  "channel/flood": { readonly address: string };
  "channel/identity": { readonly address: string };
  "channel/network": { readonly ours: string; readonly theirs: string };
  "channel/unknown": { readonly channelId: string };
  "channel/exists": { readonly channelId: string };
  "channel/left": { readonly channelId: string };
  "channel/call-failed": { readonly sequence: number; readonly status: number };
  "channel/call-timeout": { readonly sequence: number; readonly waitedMs: number };
};

export type ChannelShellCode = keyof ChannelShellErrors;

/** What each code means and what to do about it, also for the error reference. */
export const CHANNEL_SHELL_TEXTS: ErrorTable<ChannelShellErrors> = {
  "channel/store-locked": { reaction: "stop", what: "The channel store is in use by another process", todo: "Stop the other one: two writers could sign two states at one version" },
  "channel/store-damaged": { reaction: "stop", what: "The channel store is damaged before its end", todo: "Do not sign with it: close the channels with the newest state that the peer or a tower has" },
  "channel/store-format": { reaction: "stop", what: "The channel store was written by another version", todo: "Run the version that wrote it" },
  "channel/store-failed": { reaction: "stop", what: "The disk did not confirm what was written", todo: "Check the disk and start again; what was not on it has not been sent" },
  "channel/store-full": { reaction: "retry", what: "The disk of the channel store is full", todo: "Free some space; nothing was acknowledged, and work goes on by itself then" },
  "channel/store-closed": { reaction: "stop", what: "The channel store was closed", todo: "Open it again" },
  "channel/unreachable": { reaction: "retry", what: "The peer cannot be reached", todo: "Check its address and that it serves" },
  "channel/connection-lost": { reaction: "retry", what: "The connection to the peer ended", todo: "It is made again by itself; a call that was sent is not charged twice" },
  "channel/replaced": { reaction: "retry", what: "Another connection to the same peer took over", todo: "Nothing: what was under way goes over the other one" },
  "channel/banned": { reaction: "retry", what: "The peer is not served for now", todo: "It broke the protocol a moment ago; wait, or close the channel" },
  "channel/stalled": { reaction: "retry", what: "The peer does not answer", todo: "Wait for it, or close the channel; at most the cap on unacknowledged value is at risk" },
  "channel/frame": { reaction: "reject", what: "The peer sent what the protocol does not have", todo: "Its connection was cut; the channels are as they were" },
  "channel/size": { reaction: "reject", what: "A message is longer than was agreed", todo: "Send less at once" },
  "channel/flood": { reaction: "reject", what: "The peer sends more than it may", todo: "Its connection was cut; the channels are as they were" },
  "channel/identity": { reaction: "reject", what: "Who is at the other end is not who was expected", todo: "Check the peer's address; nothing was sent to it" },
  "channel/network": { reaction: "stop", what: "The peer is on another chain or uses another adjudicator", todo: "Use the deployment that the channel was opened in" },
  "channel/unknown": { reaction: "reject", what: "There is no such channel here", todo: "Open it first, or check the id" },
  "channel/exists": { reaction: "reject", what: "The channel is in use here already", todo: "Use it" },
  "channel/left": { reaction: "retry", what: "This side stopped serving the channel", todo: "Start it again: a call that was sent is answered then" },
  "channel/call-failed": { reaction: "reject", what: "The peer answered that the call failed", todo: "It cost nothing; see the status" },
  "channel/call-timeout": { reaction: "retry", what: "The call was not answered in time", todo: "It may still be answered, and is charged only then; or close the channel" },
};

/** A failure of the shell around the engine; `payload` is for programs. */
export class ChannelShellError<K extends ChannelShellCode = ChannelShellCode> extends TabledError<ChannelShellErrors, K> {}

/** @param why what is known about this one */
export function shellError<K extends ChannelShellCode>(code: K, payload: ChannelShellErrors[K], why = "", cause?: unknown): ChannelShellError<K> {
  return new ChannelShellError(CHANNEL_SHELL_TEXTS, code, payload, { why, cause });
}
