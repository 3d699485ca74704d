import { AnswerProblem } from "./AnswerProblem.ts";
import { parseFieldLines, parseStatusLine } from "./parseHead.ts";
import type { StatusLine } from "./parseHead.ts";

export interface AnswerHead extends StatusLine {
  /** name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  /** Of the body; undefined: chunked, or until the connection closes. */
  readonly length: number | undefined;
  /** Whether another request may follow on this connection. */
  readonly isKept: boolean;
  /** Milliseconds that the upstream says it keeps the connection; undefined: it does not say. */
  readonly keptMs: number | undefined;
  /** Nothing of the body came with it, though there is one. */
  readonly isAlone: boolean;
  /** 101: what follows is not HTTP. */
  readonly isUpgrade: boolean;
}

/** Takes what an {@link AnswerParser} reads, at once and in order. */
export interface AnswerSink {
  onInformational(status: number, rawHeaders: readonly string[]): void;
  onHead(head: AnswerHead): void;
  onBody(chunk: Buffer): void;
  /** `last` is the end of the body where its length was known. */
  onEnd(last: Buffer | undefined, trailers: readonly string[]): void;
  /** After a 101. */
  onTunnel(chunk: Buffer): void;
}

export interface AnswerLimits {
  readonly answerHeaderBytes: number;
  readonly headerCount: number;
}

type State = "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" | "close" | "tunnel" | "done";

const MAX_INFORMATIONAL = 16;
const MAX_CHUNK_LINE = 256;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const DIGITS = /^[0-9]{1,15}$/;
const EMPTY = Buffer.alloc(0);
const NO_TRAILERS: readonly string[] = [];

/** Strict reader of one HTTP/1.x answer (RFC 9112): whatever could be read in two ways is a problem. */
export class AnswerParser {
  readonly #sink: AnswerSink;
  readonly #limits: AnswerLimits;
  #state: State = "done";
  #isHead = false;
  #isUpgradeAsked = false;
  #informational = 0;
  /** What came of a head, a chunk line or trailers that are not whole yet. */
  #partial: Buffer = EMPTY;
  #left = 0;

  constructor(sink: AnswerSink, limits: AnswerLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Readies it for the answer to one request. */
  expect(method: string, isUpgradeAsked: boolean): void {
    this.#state = "head";
    this.#isHead = method === "HEAD";
    this.#isUpgradeAsked = isUpgradeAsked;
    this.#informational = 0;
    this.#partial = EMPTY;
  }

  /** True until the first byte of an answer. */
  get isUntouched(): boolean {
    return this.#state === "head" && this.#partial.length === 0 && this.#informational === 0;
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** @throws AnswerProblem */
  read(chunk: Buffer): void {
    let rest: Buffer | undefined = chunk;
    while (rest !== undefined && rest.length > 0) rest = this.#step(rest);
  }

  /** The connection was closed by the other side. @throws AnswerProblem when the answer was not over */
  finish(): void {
    if (this.#state === "done" || this.#state === "tunnel") return;
    if (this.#state !== "close") throw new AnswerProblem(this.isUntouched ? "none came" : "it ended early");
    this.#state = "done";
    this.#sink.onEnd(undefined, NO_TRAILERS);
  }

  #step(chunk: Buffer): Buffer | undefined {
    switch (this.#state) {
      case "head":
        return this.#readHead(chunk);
      case "length":
        return this.#readLength(chunk);
      case "chunk-size":
        return this.#readChunkSize(chunk);
      case "chunk":
        return this.#readChunk(chunk);
      case "chunk-end":
        return this.#readChunkEnd(chunk);
      case "trailers":
        return this.#readTrailers(chunk);
      case "close":
        this.#sink.onBody(chunk);
        return undefined;
      case "tunnel":
        this.#sink.onTunnel(chunk);
        return undefined;
      case "done":
        throw new AnswerProblem("bytes came after its end");
    }
  }

  #readHead(chunk: Buffer): Buffer | undefined {
    const whole = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    const end = whole.indexOf(HEAD_END, Math.max(0, this.#partial.length - 3));
    if ((end === -1 ? whole.length : end) > this.#limits.answerHeaderBytes) throw new AnswerProblem("its headers are too large");
    if (end === -1) {
      this.#partial = whole;
      return undefined;
    }
    this.#partial = EMPTY;
    const text = whole.toString("latin1", 0, end + 2);
    const lineEnd = text.indexOf("\r\n");
    const line = parseStatusLine(text.slice(0, lineEnd));
    const rawHeaders = parseFieldLines(text, lineEnd + 2, this.#limits.headerCount);
    const rest = end + 4 === whole.length ? undefined : whole.subarray(end + 4);
    return this.#takeHead(line, rawHeaders, rest !== undefined) ? rest : undefined;
  }

  /** @returns whether what follows in the same bytes is still to be read */
  #takeHead(line: StatusLine, rawHeaders: readonly string[], isMore: boolean): boolean {
    if (line.status < 200 && line.status !== 101) {
      if (++this.#informational > MAX_INFORMATIONAL) throw new AnswerProblem("it never comes to its status");
      this.#sink.onInformational(line.status, rawHeaders);
      return true;
    }
    const isUpgrade = line.status === 101;
    if (isUpgrade && !this.#isUpgradeAsked) throw new AnswerProblem("it changes protocols unasked");
    const framing = readFraming(rawHeaders);
    if (framing.isChunked && line.minorVersion === 0) throw new AnswerProblem("it is HTTP/1.0 and chunked");
    const isBodiless = this.#isHead || line.status === 204 || line.status === 304;
    if (isMore && !isBodiless && framing.length === 0) throw new AnswerProblem("it is longer than its Content-Length");
    // A body where none may be is left unread, and its connection with it.
    const isKept = !isUpgrade && !(isBodiless && isMore) && !framing.isClose && (line.minorVersion === 1 || framing.isKeepAlive);
    const length = isBodiless ? 0 : framing.length;
    const isUntilClose = !isUpgrade && !isBodiless && !framing.isChunked && length === undefined;
    this.#state = isUpgrade ? "tunnel" : isUntilClose ? "close" : length === undefined ? "chunk-size" : length === 0 ? "done" : "length";
    this.#left = length ?? 0;
    this.#sink.onHead({ minorVersion: line.minorVersion, status: line.status, reason: line.reason, rawHeaders, length, isKept: isKept && !isUntilClose, keptMs: framing.keptMs, isAlone: !isMore && this.#state !== "done", isUpgrade });
    if (this.#state !== "done") return true;
    this.#sink.onEnd(undefined, NO_TRAILERS);
    return false;
  }

  #readLength(chunk: Buffer): Buffer | undefined {
    if (chunk.length < this.#left) {
      this.#left -= chunk.length;
      this.#sink.onBody(chunk);
      return undefined;
    }
    const isExact = chunk.length === this.#left;
    const last = isExact ? chunk : chunk.subarray(0, this.#left);
    const more = isExact ? undefined : chunk.subarray(this.#left);
    this.#state = "done";
    // An answer that is longer than it said is not believed, though its beginning would look whole.
    if (more !== undefined) throw new AnswerProblem("it is longer than its Content-Length");
    this.#sink.onEnd(last, NO_TRAILERS);
    return undefined;
  }

  #readChunkSize(chunk: Buffer): Buffer | undefined {
    const whole = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    const end = whole.indexOf(LINE_END);
    if ((end === -1 ? whole.length : end) > MAX_CHUNK_LINE) throw new AnswerProblem("a chunk size is too long");
    if (end === -1) {
      this.#partial = whole;
      return undefined;
    }
    const match = CHUNK_LINE.exec(whole.toString("latin1", 0, end));
    if (match === null) throw new AnswerProblem("a chunk size is not one");
    this.#left = Number.parseInt(match[1]!, 16);
    this.#state = this.#left === 0 ? "trailers" : "chunk";
    this.#partial = EMPTY;
    return whole.subarray(end + 2);
  }

  #readChunk(chunk: Buffer): Buffer | undefined {
    if (chunk.length < this.#left) {
      this.#left -= chunk.length;
      this.#sink.onBody(chunk);
      return undefined;
    }
    const size = this.#left;
    this.#state = "chunk-end";
    this.#left = 0;
    this.#sink.onBody(chunk.length === size ? chunk : chunk.subarray(0, size));
    return chunk.subarray(size);
  }

  #readChunkEnd(chunk: Buffer): Buffer | undefined {
    const want = this.#left === 0 ? 13 : 10;
    if (chunk[0] !== want) throw new AnswerProblem("a chunk is longer than its size");
    if (this.#left === 0) this.#left = 1;
    else {
      this.#left = 0;
      this.#state = "chunk-size";
    }
    return chunk.subarray(1);
  }

  #readTrailers(chunk: Buffer): Buffer | undefined {
    const whole = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    const isNone = whole.length >= 2 && whole[0] === 13 && whole[1] === 10;
    const end = isNone ? 0 : whole.indexOf(HEAD_END);
    if ((end === -1 ? whole.length : end) > this.#limits.answerHeaderBytes) throw new AnswerProblem("its trailers are too large");
    if (end === -1) {
      this.#partial = whole;
      return undefined;
    }
    const after = isNone ? 2 : end + 4;
    const trailers = isNone ? NO_TRAILERS : parseFieldLines(whole.toString("latin1", 0, end + 2), 0, this.#limits.headerCount);
    this.#partial = EMPTY;
    this.#state = "done";
    if (after !== whole.length) throw new AnswerProblem("bytes came after its end");
    this.#sink.onEnd(undefined, trailers);
    return undefined;
  }
}

interface Framing {
  readonly length: number | undefined;
  readonly isChunked: boolean;
  readonly isClose: boolean;
  readonly isKeepAlive: boolean;
  readonly keptMs: number | undefined;
}

/** How long the body is and what becomes of the connection. @throws AnswerProblem for what two readers could read in two ways */
function readFraming(rawHeaders: readonly string[]): Framing {
  let length: number | undefined;
  let isChunked = false;
  let isClose = false;
  let isKeepAlive = false;
  let keptMs: number | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    // Only names of these lengths matter: connection and keep-alive 10, content-length 14, transfer-encoding 17.
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      if (!DIGITS.test(value)) throw new AnswerProblem("its Content-Length is not a number");
      if (length !== undefined) throw new AnswerProblem("it has two Content-Lengths");
      length = Number(value);
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") {
      if (isChunked || value.toLowerCase() !== "chunked") throw new AnswerProblem("its Transfer-Encoding is not chunked");
      isChunked = true;
    } else if (name.length === 10) {
      const lower = name.toLowerCase();
      if (lower === "connection") {
        const options = value.toLowerCase();
        isClose ||= /(^|[,\s])close($|[,\s])/.test(options);
        isKeepAlive ||= options.includes("keep-alive");
      } else if (lower === "keep-alive") {
        const seconds = /timeout=([0-9]{1,6})/.exec(value)?.[1];
        if (seconds !== undefined) keptMs = Number(seconds) * 1000;
      }
    }
  }
  if (isChunked && length !== undefined) throw new AnswerProblem("it has both a Content-Length and a Transfer-Encoding");
  return { length, isChunked, isClose, isKeepAlive, keptMs };
}
