import type { ChannelShellError } from "../ChannelShellError.ts";

/** What a connection tells its owner. */
export interface ConnectionHandler {
  /** A whole frame. It is a view of a larger buffer: copy what is to be kept for long. */
  onFrame(frame: Uint8Array): void;
  /** After a `send` that returned false: there is room again. */
  onDrain(): void;
  /** Once, when nothing comes or goes any more; without an error when both sides closed in order. */
  onEnd(error: ChannelShellError | undefined): void;
}

/** Ordered frames to one peer and back, encrypted. Who the peer is, `authenticate` finds out. */
export interface ChannelConnection {
  /** Where the peer is, for messages. */
  readonly remote: string;
  /** True at the end that dialled. */
  readonly isDialler: boolean;
  /** 32 bytes that are the same at both ends of this very connection and that nobody between them could make so. */
  readonly binding: Uint8Array;
  /** Longest frame that is taken, in bytes; a longer one ends the connection. */
  maxFrameBytes: number;
  /** Frames go to `handler` from now on; those that came before it have waited. */
  handle(handler: ConnectionHandler): void;
  /** Takes the handler off: what comes waits for the next one. */
  hold(): void;
  /** Sends `head` and `body` as one frame; false when the caller should wait for `onDrain`. Nothing is sent after the end. */
  send(head: Uint8Array, body?: Uint8Array): boolean;
  /** Bytes that wait to be sent. */
  readonly waitingBytes: number;
  /** Stops reading, so that the peer has to wait. */
  pause(): void;
  resume(): void;
  /** Ends the connection: in order, or at once with the reason. */
  close(reason?: ChannelShellError): void;
}

export interface ChannelListener {
  /** What others dial. */
  readonly address: string;
  stop(): Promise<void>;
}

/** How channels reach each other. Addresses are text in the transport's own form. */
export interface ChannelTransport {
  readonly name: string;
  /** True for addresses of this transport. */
  speaks(address: string): boolean;
  /** @throws ChannelShellError `channel/unreachable` when the address cannot be listened on */
  listen(address: string, onConnection: (connection: ChannelConnection) => void): Promise<ChannelListener>;
  /** @throws ChannelShellError `channel/unreachable` */
  dial(address: string, timeoutMs: number): Promise<ChannelConnection>;
  /** Ends what the transport still holds. */
  stop(): Promise<void>;
}
