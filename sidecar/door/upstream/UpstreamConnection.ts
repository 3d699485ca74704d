import type { Socket } from "node:net";

import { toError } from "../../../runtime/errors/CodedError.ts";
import { AnswerParser } from "./AnswerParser.ts";
import type { AnswerHead, AnswerLimits, AnswerSink } from "./AnswerParser.ts";
import { AnswerProblem } from "./AnswerProblem.ts";

/** Gets what comes of one request to the upstream, in order; after `onAnswerEnd` or `onUpstreamError` nothing more. */
export interface AnswerHandler {
  onConnection(connection: UpstreamConnection): void;
  onInformational(status: number, rawHeaders: readonly string[]): void;
  onAnswerHead(head: AnswerHead): void;
  onAnswerBody(chunk: Buffer): void;
  onAnswerEnd(last: Buffer | undefined, trailers: readonly string[]): void;
  /** The request's bytes may flow again. */
  onUpstreamDrain(): void;
  onTunnel(chunk: Buffer): void;
  onTunnelEnd(): void;
  onUpstreamError(error: Error): void;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  onIdle(connection: UpstreamConnection): void;
  onGone(connection: UpstreamConnection): void;
}

type OwnedSocket = Socket & { agnt2Connection?: UpstreamConnection };

// One listener each for all connections; what is theirs hangs on the socket.
function onData(this: OwnedSocket, chunk: Buffer): void {
  this.agnt2Connection!.takeData(chunk);
}
function onEnd(this: OwnedSocket): void {
  this.agnt2Connection!.takeEnd();
}
function onDrain(this: OwnedSocket): void {
  this.agnt2Connection!.handler?.onUpstreamDrain();
}
function onError(this: OwnedSocket, error: Error): void {
  this.agnt2Connection!.fail(error);
}
function onClose(this: OwnedSocket): void {
  this.agnt2Connection!.takeClose();
}

/** One connection to the upstream, for one request at a time. */
export class UpstreamConnection implements AnswerSink {
  handler: AnswerHandler | undefined;
  /** Requests that it has carried. */
  uses = 0;
  idleSince = 0;
  /** The pool may use it again until so long after `idleSince`. */
  keptMs: number | undefined;
  readonly #socket: OwnedSocket;
  readonly #owner: ConnectionOwner;
  readonly #parser: AnswerParser;
  #isKept = false;
  #isSent = false;
  #isChunked = false;
  #isDestroyed = false;
  #isTunnel = false;

  constructor(socket: Socket, owner: ConnectionOwner, limits: AnswerLimits) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new AnswerParser(this, limits);
    this.#socket.agnt2Connection = this;
    socket.setNoDelay(true);
    socket.on("data", onData).on("end", onEnd).on("drain", onDrain).on("error", onError).on("close", onClose);
  }

  /** True while nothing of an answer has come. */
  get isUntouched(): boolean {
    return this.#parser.isUntouched;
  }

  /** Sends the head of a request, and its body where it is all there (`isChunked` undefined then). */
  send(method: string, head: string, isUpgradeAsked: boolean, body: Uint8Array | undefined, isBodyToCome: boolean, isChunked: boolean): void {
    this.uses++;
    this.#parser.expect(method, isUpgradeAsked);
    this.#isKept = false;
    this.#isSent = !isBodyToCome;
    this.#isChunked = isChunked;
    if (body === undefined || body.length === 0) {
      this.#socket.write(head, "latin1");
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, "latin1");
    this.#socket.write(body);
    this.#socket.uncork();
  }

  /** @returns false: wait for `onUpstreamDrain` */
  writeBody(chunk: Uint8Array): boolean {
    if (this.#isDestroyed || chunk.length === 0) return true;
    if (!this.#isChunked) return this.#socket.write(chunk);
    this.#socket.cork();
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(chunk);
    const isFree = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return isFree;
  }

  /** @param trailers as CRLF-ended lines, or empty */
  endBody(trailers: string): void {
    if (this.#isDestroyed) return;
    if (this.#isChunked) this.#socket.write(`0\r\n${trailers}\r\n`, "latin1");
    this.#isSent = true;
  }

  /** After a 101. @returns false: wait for `onUpstreamDrain` */
  writeTunnel(chunk: Uint8Array): boolean {
    return this.#isDestroyed || this.#socket.write(chunk);
  }

  /** Ends a tunnel: what was written goes out, nothing more is heard. */
  endTunnel(lingerMs: number): void {
    this.handler = undefined;
    if (this.#isDestroyed) return;
    this.#socket.setTimeout(lingerMs, () => this.#drop());
    this.#socket.destroySoon();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends it without a word to the handler. */
  destroy(): void {
    this.handler = undefined;
    this.#drop();
  }

  takeData(chunk: Buffer): void {
    if (this.handler === undefined && this.#isTunnel) return;
    // Bytes that nobody asked for: whatever they are, this connection is not to be trusted.
    if (this.handler === undefined) return this.#drop();
    try {
      this.#parser.read(chunk);
    } catch (error) {
      this.fail(toError(error));
    }
  }

  takeEnd(): void {
    if (this.#isTunnel && this.handler !== undefined) return this.handler.onTunnelEnd();
    this.#isKept = false;
    if (this.handler === undefined) return this.#drop();
    try {
      this.#parser.finish();
    } catch (error) {
      this.fail(toError(error));
    }
  }

  takeClose(): void {
    const isFirst = !this.#isDestroyed;
    this.#isDestroyed = true;
    if (this.handler !== undefined) this.fail(new AnswerProblem("the connection was closed"));
    if (isFirst) this.#owner.onGone(this);
  }

  fail(error: Error): void {
    const { handler } = this;
    this.handler = undefined;
    this.#drop();
    handler?.onUpstreamError(error);
  }

  onInformational(status: number, rawHeaders: readonly string[]): void {
    this.handler?.onInformational(status, rawHeaders);
  }

  onHead(head: AnswerHead): void {
    this.#isKept = head.isKept;
    this.keptMs = head.keptMs;
    this.#isTunnel = head.isUpgrade;
    this.handler?.onAnswerHead(head);
  }

  onBody(chunk: Buffer): void {
    this.handler?.onAnswerBody(chunk);
  }

  onTunnel(chunk: Buffer): void {
    this.handler?.onTunnel(chunk);
  }

  onEnd(last: Buffer | undefined, trailers: readonly string[]): void {
    this.handler?.onAnswerEnd(last, trailers);
    this.handler = undefined;
    if (this.#isKept && this.#isSent && !this.#isDestroyed) this.#owner.onIdle(this);
    else this.#drop();
  }

  #drop(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#socket.destroy();
    this.#owner.onGone(this);
  }
}
