import { fromHex } from "../../core/codec/hex.ts";
import type { BundleTicket, BundleTransport, DurableAck, RootedAck } from "../bundles/BundleTransport.ts";
import type { HttpService, Json } from "../HttpService.ts";
import { SdkError, sdkError } from "../SdkError.ts";
import { asJson, listField, numberField, textField } from "../state.ts";
import type { AckVerifier } from "./AckVerifier.ts";
import type { SignedDurable, SignedRooted } from "./frames.ts";

export interface HttpTransportOptions {
  /** What checks the signatures of answers; read once. */
  readonly readVerifier: () => Promise<AckVerifier>;
  /** How long one request may take. Default 35 s: the sequencer answers within 30. */
  readonly requestMs?: number;
  /** How long a bundle waits for its durable answer over all tries. Default 60 s. */
  readonly giveUpMs?: number;
  /** The same for a durable bundle's root. Default 5 min. */
  readonly rootedMs?: number;
  /** First pause before another try; doubled. Default 200 ms. */
  readonly retryMs?: number;
}

const DEFAULTS = { requestMs: 35_000, giveUpMs: 60_000, rootedMs: 300_000, retryMs: 200 };
const MAX_RETRY_MS = 5_000;
/** The server, or one between, could not answer; the bundle may have run. */
const NO_ANSWER_STATUS = [429, 500, 502, 503, 504];

function bytesField(json: Json, name: string, length?: number): Uint8Array {
  const text = textField(json, name);
  if (!/^0x([0-9a-fA-F]{2})*$/.test(text) || (length !== undefined && text.length !== 2 + 2 * length)) throw sdkError("SDK_RESPONSE", `${name} is not the bytes that it should be`, { name });
  return fromHex(text);
}

function parseDurable(json: Json): SignedDurable {
  const results = listField(json, "results").map(asJson).map((each) => ({
    outcome: numberField(each, "outcome"),
    slot: numberField(each, "slot"),
    id: numberField(each, "id"),
  }));
  return {
    level: "durable",
    position: numberField(json, "position"),
    firstReceipt: numberField(json, "firstReceipt"),
    results,
    head: bytesField(json, "head", 32),
    signature: bytesField(json, "signature", 64),
    path: bytesField(json, "path"),
    index: numberField(json, "index"),
    previous: bytesField(json, "previous", 32),
    headPosition: numberField(json, "headPosition"),
    headSlot: numberField(json, "headSlot"),
  };
}

function parseRooted(json: Json): SignedRooted {
  bytesField(json, "stateRoot", 32);
  return {
    level: "rooted",
    position: numberField(json, "rootPosition"),
    batchCount: numberField(json, "batchCount"),
    stateRoot: textField(json, "stateRoot").toLowerCase(),
    signature: bytesField(json, "rootSignature", 64),
  };
}

/** Whether the same bytes should be sent again: no answer came, or one that says nothing about the bundle. */
function isAnswerMissing(error: unknown): boolean {
  if (!(error instanceof SdkError)) return false;
  if (error.code === "SDK_UNREACHABLE" || error.code === "WAITED_TOO_LONG") return true;
  return NO_ANSWER_STATUS.includes(Number(error.values["status"])) && !error.code.startsWith("INTAKE_");
}

/**
 * Sends bundles as single requests, one after the other: for places where a WebSocket cannot be had, and for a single call. The
 * same bytes are sent again when no answer came; the sequencer answers for a bundle it knows as it did the first time.
 */
export class HttpTransport implements BundleTransport {
  readonly #service: HttpService;
  readonly #options: Required<HttpTransportOptions>;
  readonly #closing = new AbortController();
  #verifier: Promise<AckVerifier> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(service: HttpService, options: HttpTransportOptions) {
    this.#service = service;
    this.#options = { ...DEFAULTS, ...options };
  }

  submit(bundle: Uint8Array): BundleTicket {
    const durable = this.#last.then(() => this.#durable(bundle));
    this.#last = durable.catch(() => undefined);
    const rooted = durable.then((ack) => this.#rooted(bundle, ack));
    rooted.catch(() => undefined);
    return { sequenced: durable.then(() => ({ level: "sequenced" as const })), durable, rooted };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  async #durable(bundle: Uint8Array): Promise<DurableAck> {
    const verifier = await this.#readVerifier();
    return verifier.durable(parseDurable(await this.#send(bundle, "durable")), bundle);
  }

  async #rooted(bundle: Uint8Array, known: DurableAck): Promise<RootedAck> {
    const verifier = await this.#readVerifier();
    const json = await this.#send(bundle, "rooted");
    const again = verifier.durable(parseDurable(json), bundle);
    if (JSON.stringify(again) !== JSON.stringify(known)) throw sdkError("SDK_BAD_PROOF", `one bundle was answered in two ways, at position ${known.position} and ${again.position}`);
    return verifier.rooted(parseRooted(json), known.position + known.results.length);
  }

  #readVerifier(): Promise<AckVerifier> {
    this.#verifier ??= this.#options.readVerifier();
    this.#verifier.catch(() => (this.#verifier = undefined));
    return this.#verifier;
  }

  async #send(bundle: Uint8Array, wait: "durable" | "rooted"): Promise<Json> {
    const { requestMs, giveUpMs, rootedMs } = this.#options;
    const waitMs = wait === "durable" ? giveUpMs : rootedMs;
    const endMs = Date.now() + waitMs;
    for (let tries = 1, pauseMs = this.#options.retryMs; ; tries += 1, pauseMs = Math.min(MAX_RETRY_MS, 2 * pauseMs)) {
      if (this.#closing.signal.aborted) throw sdkError("SDK_CLOSED", "the client was closed");
      try {
        const timeoutMs = Math.max(1, Math.min(requestMs, endMs - Date.now()));
        return await this.#service.postBytes(`/v1/bundles?wait=${wait}`, bundle, { timeoutMs, signal: this.#closing.signal });
      } catch (error) {
        // The try before, whose answer was lost, may have run: signing it anew could run it twice.
        const mayHaveRun = tries > 1 || wait === "rooted";
        if (mayHaveRun && error instanceof SdkError && error.code === "H_NONCE") throw sdkError("SDK_LOST", error.message, {}, error);
        if (!isAnswerMissing(error)) throw error;
        if (Date.now() + pauseMs >= endMs) throw sdkError(wait === "durable" ? "SDK_NO_ANSWER" : "SDK_TIMEOUT", `${this.#service.url} for ${waitMs / 1000} s: ${(error as Error).message}`, {}, error);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}
