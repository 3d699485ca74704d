import { MAX_BUNDLE_RECORDS } from "../../core/generated/protocol.ts";
import { buildBundle } from "../buildBundle.ts";
import type { BundleDomain, BundleSigner } from "../BundleSigner.ts";
import { SdkError, sdkError } from "../SdkError.ts";
import type { BundleTransport } from "./BundleTransport.ts";
import type { OperationHandle } from "./OperationHandle.ts";

export interface AutobundlerOptions {
  readonly signer: BundleSigner;
  readonly domain: BundleDomain;
  readonly transport: BundleTransport;
  /** The account's index and next nonce, as the sequencer has them now. */
  readonly readAccount: () => Promise<{ index: number; nonce: number }>;
  /** How long records wait for others to share a signature with. Default 2 ms. */
  readonly windowMs?: number;
  /** Most records in a bundle. Default 512. */
  readonly maxRecords?: number;
  /** How long a bundle may take to be executed. Default 120 s. */
  readonly validSeconds?: number;
  /** Bundles sent and not yet durable; more wait. Default 256. */
  readonly maxInFlight?: number;
  /** Unix seconds. Default: the clock of this machine. */
  readonly now?: () => number;
}

interface Item {
  readonly record: Uint8Array;
  readonly handle: OperationHandle;
  tries: number;
}

const MAX_TRIES = 4;
/** Refusals after which the same records may be signed anew: the bundle has had no effect, and a new nonce or a little time helps. */
const SENT_AGAIN = ["H_NONCE", "INTAKE_BUSY", "INTAKE_STOPPING"];
const PAUSE_MS = 200;

/**
 * Puts what is queued every few milliseconds under one signature, gives bundles their nonces, and keeps their order. A bundle
 * that was refused for its nonce (another program uses the same account) or for want of room has had no effect: once all others are answered, its
 * records are signed again with the nonce that the sequencer names.
 */
export class Autobundler {
  readonly #options: Required<AutobundlerOptions>;
  #queue: Item[] = [];
  /** Refused for their nonce, to be signed again. */
  #again: Item[] = [];
  #account: { index: number; nonce: number } | undefined;
  #inFlight = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pumping = false;
  #refused = false;
  #pausedUntilMs = 0;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(options: AutobundlerOptions) {
    this.#options = { windowMs: 2, maxRecords: MAX_BUNDLE_RECORDS, validSeconds: 120, maxInFlight: 256, now: () => Date.now() / 1000, ...options };
  }

  /** Queues a 96-byte record for the next bundle. */
  add(record: Uint8Array, handle: OperationHandle): void {
    if (this.#closed) {
      handle.fail(sdkError("SDK_CLOSED", "the client is closed"));
      return;
    }
    this.#queue.push({ record, handle, tries: 0 });
    if (this.#queue.length >= this.#options.maxRecords) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.windowMs);
  }

  /** Sends what is queued now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#pump();
  }

  /** Resolves when everything queued so far is durable or refused. */
  async drained(): Promise<void> {
    this.flush();
    while (this.#queue.length > 0 || this.#again.length > 0 || this.#inFlight > 0 || this.#pumping) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const rest = [...this.#again.splice(0), ...this.#queue.splice(0)];
    for (const { handle } of rest) handle.fail(sdkError("SDK_CLOSED", "it was not sent"));
    this.#wake();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#mustWait() && this.#queue.length > 0) await this.#sendOne();
    } finally {
      this.#pumping = false;
      this.#wake();
    }
  }

  /** After a refusal nothing goes out until the answers of all others are in: their nonces follow the refused one. */
  #mustWait(): boolean {
    if (!this.#refused) return this.#inFlight >= this.#options.maxInFlight;
    if (this.#inFlight > 0) return true;
    if (Date.now() < this.#pausedUntilMs) return true;
    this.#refused = false;
    this.#account = undefined;
    this.#queue.unshift(...this.#again.splice(0));
    return false;
  }

  async #sendOne(): Promise<void> {
    const items = this.#queue.splice(0, this.#options.maxRecords);
    const { signer, domain, transport, validSeconds, now } = this.#options;
    try {
      this.#account ??= await this.#options.readAccount();
      const { index: agent, nonce } = this.#account;
      const validUntil = Math.floor(now()) + validSeconds;
      const bundle = await buildBundle({ agent, nonce, validUntil, records: items.map(({ record }) => record) }, signer, domain);
      this.#account = { index: agent, nonce: nonce + 1 };
      this.#inFlight += 1;
      const ticket = transport.submit(bundle);
      ticket.durable.then(
        () => {
          items.forEach(({ handle }, position) => handle.follow(ticket, position));
          this.#settled();
        },
        (error: unknown) => this.#failed(items, error),
      );
      ticket.sequenced.then(
        () => items.forEach(({ handle }) => handle.markSequenced()),
        () => undefined,
      );
    } catch (error) {
      for (const { handle } of items) handle.fail(error);
    }
  }

  #settled(): void {
    this.#inFlight -= 1;
    if (!this.#pumping) void this.#pump();
    this.#wake();
  }

  #failed(items: Item[], error: unknown): void {
    if (error instanceof SdkError && error.code.startsWith("INTAKE_")) {
      this.#pausedUntilMs = Date.now() + PAUSE_MS;
      this.#timer ??= setTimeout(() => this.flush(), PAUSE_MS + 1);
    }
    // One that waited in vain for the nonce before its own; alone, it waits for a call that is not there.
    const wasBehind = this.#refused;
    // Whatever the reason, this bundle's nonce was not used by it, so those behind it cannot be executed.
    this.#refused = true;
    const code = error instanceof SdkError ? error.code : "";
    const hadNoEffect = SENT_AGAIN.includes(code) || (wasBehind && code === "INTAKE_WAITED_TOO_LONG");
    for (const item of items) {
      item.tries += 1;
      if (hadNoEffect && item.tries < MAX_TRIES && !this.#closed) this.#again.push(item);
      else item.handle.fail(error);
    }
    this.#settled();
  }

  #wake(): void {
    const waiters = this.#waiters.splice(0);
    for (const wake of waiters) wake();
  }
}
