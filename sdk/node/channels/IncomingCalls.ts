import { keccak256 } from "../../../core/hash/index.ts";
import type { CallBatch } from "../../../core/channel/index.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";

/** A paid call of the peer. */
export interface IncomingCall {
  readonly sequence: number;
  /** Units. */
  readonly price: number;
  /** Undefined if the payer sends its requests by another way. */
  readonly request: Uint8Array | undefined;
  readonly requestHash: Uint8Array;
  /** It may have run before, in a process that ended before the answer was durable: do it once by (channel, sequence). */
  readonly isRepeated: boolean;
}

/** The response; `status` other than 0 says that the call failed, and gives the price back. */
export interface CallAnswer {
  /** 0 to 255. */
  readonly status: number;
  readonly response: Uint8Array;
}

/** Runs a call. What it throws becomes a failed call that costs nothing. */
export type CallHandler = (call: IncomingCall) => CallAnswer | Uint8Array | Promise<CallAnswer | Uint8Array>;

/** How an answer goes to the engine; without a response when that goes another way. @throws ChannelError `channel/result` when the call is not open */
export type SendAnswer = (sequence: number, status: number, responseHash: Uint8Array, response?: Uint8Array, isUrgent?: boolean) => void;

/** For handlers that take whole batches and answer when they like; each call once. */
export type BatchHandler = (calls: CallBatch, answer: SendAnswer) => void;

/** The handler threw. */
export const STATUS_FAILED = 1;
const NOTHING = new Uint8Array(0);

interface Waiting {
  readonly calls: CallBatch;
  next: number;
}

/** Runs the calls of one channel through a handler, so many at a time. */
export class IncomingCalls {
  readonly #answer: SendAnswer;
  readonly #onThrown: (error: Error, sequence: number) => void;
  readonly #maxRunning: number;
  readonly #waiting: Waiting[] = [];
  #handler: CallHandler | undefined;
  #batchHandler: BatchHandler | undefined;
  #running = 0;

  constructor(answer: SendAnswer, maxRunning: number, onThrown: (error: Error, sequence: number) => void) {
    this.#answer = answer;
    this.#maxRunning = maxRunning;
    this.#onThrown = onThrown;
  }

  /** Calls that came before anybody served them run now. */
  serve(handler: CallHandler | undefined): void {
    this.#handler = handler;
    this.#batchHandler = undefined;
    this.#run();
  }

  serveBatches(handler: BatchHandler | undefined): void {
    this.#handler = undefined;
    this.#batchHandler = handler;
    this.#run();
  }

  deliver(calls: CallBatch): void {
    this.#waiting.push({ calls, next: 0 });
    this.#run();
  }

  #run(): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0]!;
      if (this.#batchHandler !== undefined && first.next === 0) {
        this.#waiting.shift();
        this.#batchHandler(first.calls, this.#answer);
        continue;
      }
      const handler = this.#handler;
      if (handler === undefined || this.#running >= this.#maxRunning) return;
      const place = first.next;
      first.next += 1;
      if (first.next >= first.calls.count) this.#waiting.shift();
      this.#runOne(handler, first.calls, place);
    }
  }

  #runOne(handler: CallHandler, calls: CallBatch, place: number): void {
    const sequence = calls.sequences[place]!;
    let result: ReturnType<CallHandler>;
    try {
      result = handler({
        sequence,
        price: calls.prices[place]!,
        request: calls.payloads?.[place],
        requestHash: calls.requestHashes.subarray(32 * place, 32 * place + 32),
        isRepeated: calls.isRepeated,
      });
    } catch (error) {
      return this.#failed(sequence, error);
    }
    if (!(result instanceof Promise)) return this.#done(sequence, result);
    this.#running += 1;
    result.then(
      (answer) => this.#ended(() => this.#done(sequence, answer)),
      (error: unknown) => this.#ended(() => this.#failed(sequence, error)),
    );
  }

  #ended(then: () => void): void {
    this.#running -= 1;
    then();
    this.#run();
  }

  #done(sequence: number, answer: CallAnswer | Uint8Array): void {
    const { status, response } = answer instanceof Uint8Array ? { status: 0, response: answer } : answer;
    this.#answer(sequence, status, keccak256(response), response);
  }

  #failed(sequence: number, error: unknown): void {
    this.#onThrown(toError(error), sequence);
    this.#answer(sequence, STATUS_FAILED, keccak256(NOTHING), NOTHING);
  }
}
