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
  /**
   * Other programs sign for the same account. A bundle whose nonce was taken is then signed again with the next one, on the
   * sequencer's word that it has not run; a sequencer that lies there makes it run twice. Default false: it fails with `H_NONCE`.
   */
  readonly isShared?: boolean;
  /** How long the signer may take. Default 2 min. */
  readonly signMs?: number;
  /** Unix seconds. Default: the clock of this machine. */
  readonly now?: () => number;
}

interface Item {
  readonly record: Uint8Array;
  readonly handle: OperationHandle;
  /** Stands behind the one before it, in the same bundle: that is its signature. */
  readonly isBound: boolean;
  /** How often it was signed for a nonce that was taken. */
  taken: number;
}

/** Records under one signature and nonce. */
interface Sent {
  readonly items: readonly Item[];
  readonly agent: number;
  readonly nonce: number;
  bytes: Uint8Array;
  validUntil: number;
  tries: number;
}

const MAX_TRIES = 8;
/** Refusals of a moment: the same bytes are sent again. */
const SENT_AGAIN = ["INTAKE_BUSY", "INTAKE_STOPPING", "INTAKE_DISK_FULL", "H_EXPIRED"];
const PAUSE_MS = 200;
/** A bundle that is sent again needs so long to be executed. */
const LEAST_SECONDS = 5;

const byNonce = (a: Sent, b: Sent): number => a.nonce - b.nonce;

/**
 * Puts what is queued every few milliseconds under one signature, gives bundles their nonces, and keeps their order. What is
 * refused for want of room is sent again with its old nonce, so that it runs once whatever a server says: a refusal is not
 * signed. Records are signed for a second nonce only for accounts that are said to be shared.
 */
export class Autobundler {
  readonly #options: Required<AutobundlerOptions>;
  #queue: Item[] = [];
  /** Refused for a moment, to be sent again in the order of their nonces. */
  #again: Sent[] = [];
  /** Of a shared account: their nonces were taken, they are to be signed for new ones. */
  #taken: Sent[] = [];
  /** The lowest nonce that nobody will use: what was signed for later ones cannot run. */
  #brokenAt = Number.POSITIVE_INFINITY;
  #account: { index: number; nonce: number } | undefined;
  #inFlight = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pumping = false;
  #refused = false;
  #pausedUntilMs = 0;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(options: AutobundlerOptions) {
    this.#options = { windowMs: 2, maxRecords: MAX_BUNDLE_RECORDS, validSeconds: 120, maxInFlight: 256, isShared: false, signMs: 120_000, now: () => Date.now() / 1000, ...options };
  }

  /** Queues a 96-byte record for the next bundle. */
  add(record: Uint8Array, handle: OperationHandle): void {
    this.addTogether([{ record, handle }]);
  }

  /** Queues records that must stand next to each other in one bundle. */
  addTogether(records: readonly { readonly record: Uint8Array; readonly handle: OperationHandle }[]): void {
    if (this.#closed) {
      for (const { handle } of records) handle.fail(sdkError("SDK_CLOSED", "the client is closed"));
      return;
    }
    records.forEach(({ record, handle }, place) => this.#queue.push({ record, handle, isBound: place > 0, taken: 0 }));
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
    while (this.#queue.length > 0 || this.#again.length > 0 || this.#taken.length > 0 || this.#inFlight > 0 || this.#pumping) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const rest = [...[...this.#taken.splice(0), ...this.#again.splice(0)].flatMap(({ items }) => items), ...this.#queue.splice(0)];
    for (const { handle } of rest) handle.fail(sdkError("SDK_CLOSED", "it was not sent"));
    this.#wake();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#mustWait()) {
        const again = this.#again.shift();
        if (again !== undefined) await this.#sendAgain(again);
        else if (this.#queue.length > 0) await this.#sendNew();
        else break;
      }
    } finally {
      this.#pumping = false;
      const pauseMs = this.#pausedUntilMs - Date.now();
      if (pauseMs >= 0 && !this.#closed) this.#timer ??= setTimeout(() => this.flush(), pauseMs + 1);
      this.#wake();
    }
  }

  /** After a refusal nothing goes out until the answers of all others are in: their nonces follow the refused one. */
  #mustWait(): boolean {
    if (!this.#refused) return this.#inFlight >= this.#options.maxInFlight || (this.#account === undefined && this.#inFlight > 0);
    if (this.#inFlight > 0 || Date.now() < this.#pausedUntilMs) return true;
    this.#refused = false;
    this.#again.sort(byNonce);
    this.#queue.unshift(...this.#taken.splice(0).sort(byNonce).flatMap(({ items }) => items));
    if (this.#brokenAt !== Number.POSITIVE_INFINITY) this.#breakOff();
    return false;
  }

  /** A nonce will not be used: what was signed for those behind it fails too, and the next one is asked for. */
  #breakOff(): void {
    const behind = this.#again.filter(({ nonce }) => nonce > this.#brokenAt);
    this.#again = this.#again.filter(({ nonce }) => nonce < this.#brokenAt);
    this.#brokenAt = Number.POSITIVE_INFINITY;
    this.#account = undefined;
    if (this.#options.isShared) this.#queue.unshift(...behind.flatMap(({ items }) => items));
    else for (const { items, nonce } of behind) this.#fail(items, sdkError("SDK_BEHIND", `nonce ${nonce}`, { nonce }));
  }

  async #sendNew(): Promise<void> {
    const items = this.#queue.splice(0, this.#nextCount());
    try {
      this.#account ??= await this.#options.readAccount();
      const { index: agent, nonce } = this.#account;
      const sent: Sent = { items, agent, nonce, bytes: new Uint8Array(0), validUntil: 0, tries: 0 };
      await this.#sign(sent);
      this.#account = { index: agent, nonce: nonce + 1 };
      this.#send(sent);
    } catch (error) {
      this.#fail(items, error);
    }
  }

  /** As many records as fit, without cutting what belongs together. */
  #nextCount(): number {
    let count = this.#options.maxRecords;
    while (count > 1 && this.#queue[count]?.isBound === true) count -= 1;
    return count;
  }

  async #sendAgain(sent: Sent): Promise<void> {
    try {
      // The same records and nonce under a new date: of the two only one can run.
      if (sent.validUntil < this.#options.now() + LEAST_SECONDS) await this.#sign(sent);
      this.#send(sent);
    } catch (error) {
      this.#giveUp(sent, error);
    }
  }

  async #sign(sent: Sent): Promise<void> {
    const { signer, domain, validSeconds, signMs, now } = this.#options;
    const validUntil = Math.floor(now()) + validSeconds;
    const records = sent.items.map(({ record }) => record);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(sdkError("SDK_SIGNER", `no signature after ${signMs / 1000} s`, { address: signer.address })), signMs);
    });
    try {
      sent.bytes = await Promise.race([buildBundle({ agent: sent.agent, nonce: sent.nonce, validUntil, records }, signer, domain), late]);
      sent.validUntil = validUntil;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(sent: Sent): void {
    if (this.#closed) {
      this.#fail(sent.items, sdkError("SDK_CLOSED", "it was not sent"));
      return;
    }
    this.#inFlight += 1;
    sent.tries += 1;
    const ticket = this.#options.transport.submit(sent.bytes);
    ticket.durable.then(
      () => {
        const { agent, nonce } = sent;
        sent.items.forEach(({ handle }, index) => handle.follow(ticket, { agent, nonce, index }));
        this.#settled();
      },
      (error: unknown) => this.#failed(sent, error),
    );
    ticket.sequenced.then(
      () => sent.items.forEach(({ handle }) => handle.markSequenced()),
      () => undefined,
    );
  }

  #settled(): void {
    this.#inFlight -= 1;
    if (!this.#pumping) void this.#pump();
    this.#wake();
  }

  #failed(sent: Sent, error: unknown): void {
    const code = error instanceof SdkError ? error.code : "";
    // One that waited in vain for the nonce before its own; alone, it waits for a call that is not there.
    const wasBehind = this.#refused && code === "INTAKE_WAITED_TOO_LONG";
    // Whatever the reason, this bundle's nonce was not used by it, so those behind it cannot be executed.
    this.#refused = true;
    if ((SENT_AGAIN.includes(code) || wasBehind) && sent.tries < MAX_TRIES && !this.#closed) {
      if (code === "H_EXPIRED") sent.validUntil = 0;
      this.#again.push(sent);
      this.#pausedUntilMs = Date.now() + PAUSE_MS * sent.tries;
    } else if (code === "H_NONCE" && this.#options.isShared && sent.items.every(({ taken }) => taken < MAX_TRIES) && !this.#closed) {
      this.#account = undefined;
      for (const item of sent.items) item.taken += 1;
      this.#taken.push(sent);
    } else this.#giveUp(sent, error);
    this.#settled();
  }

  #giveUp(sent: Sent, error: unknown): void {
    this.#refused = true;
    // A nonce that somebody else has used is no gap.
    if (error instanceof SdkError && error.code === "H_NONCE") this.#account = undefined;
    else this.#brokenAt = Math.min(this.#brokenAt, sent.nonce);
    this.#fail(sent.items, error);
  }

  #fail(items: readonly Item[], error: unknown): void {
    for (const { handle } of items) handle.fail(error);
  }

  #wake(): void {
    const waiters = this.#waiters.splice(0);
    for (const wake of waiters) wake();
  }
}
