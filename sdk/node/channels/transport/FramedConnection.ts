import { shellError } from "../ChannelShellError.ts";
import type { ChannelShellError } from "../ChannelShellError.ts";
import type { ChannelConnection, ConnectionHandler } from "./ChannelTransport.ts";
import { FrameReader, framed } from "./FrameReader.ts";

const FIRST_FRAME_BYTES = 4_096;

/** What the connection needs of a stream of bytes. */
export interface ByteStream {
  write(bytes: Buffer): boolean;
  readonly waitingBytes: number;
  pause(): void;
  resume(): void;
  /** Ends it in order. */
  end(): void;
  /** Ends it at once. */
  destroy(): void;
}

interface Ends {
  readonly remote: string;
  readonly isDialler: boolean;
  readonly binding: Uint8Array;
}

/** Frames over any ordered stream of bytes. A side that ends its half ends the connection: there are no half-open channels. */
export class FramedConnection implements ChannelConnection {
  readonly remote: string;
  readonly isDialler: boolean;
  readonly binding: Uint8Array;
  maxFrameBytes = FIRST_FRAME_BYTES;
  readonly #stream: ByteStream;
  readonly #reader = new FrameReader();
  #handler: ConnectionHandler | undefined;
  /** What came before anybody listened: at most what was under way when reading was paused. */
  #early: Uint8Array[] = [];
  #ended: { readonly error: ChannelShellError | undefined } | undefined;
  #reason: ChannelShellError | undefined;

  constructor(stream: ByteStream, ends: Ends) {
    this.#stream = stream;
    this.remote = ends.remote;
    this.isDialler = ends.isDialler;
    this.binding = ends.binding;
    stream.pause();
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.received(chunk);
    if (this.#ended !== undefined) handler.onEnd(this.#ended.error);
    else this.#stream.resume();
  }

  hold(): void {
    this.#handler = undefined;
    this.#stream.pause();
  }

  send(head: Uint8Array, body?: Uint8Array): boolean {
    if (this.#ended !== undefined || this.#reason !== undefined) return true;
    return this.#stream.write(framed(head, body));
  }

  get waitingBytes(): number {
    return this.#stream.waitingBytes;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(reason?: ChannelShellError): void {
    if (this.#ended !== undefined || this.#reason !== undefined) return;
    if (reason === undefined) return this.#stream.end();
    this.#reason = reason;
    this.#stream.destroy();
  }

  /** Bytes came in. */
  received(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return;
    // Frames are plain arrays: a Buffer behaves differently, in JSON for one.
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#handler === undefined) return void this.#early.push(chunk);
    const used = this.#reader.read(chunk, this.maxFrameBytes, (frame) => {
      this.#handler!.onFrame(frame);
      // It may have closed the connection, or put it on hold.
      return this.#reason === undefined && this.#handler !== undefined;
    });
    if (used < 0) this.close(shellError("channel/size", { address: this.remote, limitBytes: this.maxFrameBytes }));
    else if (used < chunk.length && this.#reason === undefined) this.#early.unshift(chunk.subarray(used));
  }

  drained(): void {
    if (this.#ended === undefined) this.#handler?.onDrain();
  }

  /** The peer ended its half: what was sent still goes out, nothing more comes. */
  halfClosed(): void {
    this.#stream.end();
  }

  /** The stream is over. */
  finished(cause: Error | undefined): void {
    if (this.#ended !== undefined) return;
    const error = this.#reason ?? (cause === undefined ? undefined : shellError("channel/connection-lost", { address: this.remote }, cause.message, cause));
    this.#ended = { error };
    this.#handler?.onEnd(error);
  }
}
