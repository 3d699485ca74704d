import type { BundleTicket, BundleTransport, DurableAck, RootedAck } from "../bundles/BundleTransport.ts";
import type { HttpService, Json } from "../HttpService.ts";
import { SdkError, sdkError } from "../SdkError.ts";
import { listField, numberField, textField } from "../state.ts";

const TRIES = 5;
const WAIT_MS = 30_000;

function parseDurable(json: Json): DurableAck {
  const results = (listField(json, "results") as Json[]).map((each) => ({
    outcome: numberField(each, "outcome"),
    slot: numberField(each, "slot"),
    id: numberField(each, "id"),
  }));
  return { level: "durable", position: numberField(json, "position"), firstReceipt: numberField(json, "firstReceipt"), results };
}

/**
 * Sends bundles as single requests, one after the other: for places where a WebSocket cannot be had, and for a single call. The
 * same bytes are sent again when no answer came; the sequencer answers for a bundle it knows as it did the first time.
 */
export class HttpTransport implements BundleTransport {
  readonly #service: HttpService;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(service: HttpService) {
    this.#service = service;
  }

  submit(bundle: Uint8Array): BundleTicket {
    const durable = this.#last.then(() => this.#send(bundle, "durable")).then(parseDurable);
    this.#last = durable.catch(() => undefined);
    const rooted = durable.then(async (): Promise<RootedAck> => {
      const json = await this.#send(bundle, "rooted");
      return { level: "rooted", position: numberField(json, "rootPosition"), batchCount: numberField(json, "batchCount"), stateRoot: textField(json, "stateRoot") };
    });
    rooted.catch(() => undefined);
    return { sequenced: durable.then(() => ({ level: "sequenced" as const })), durable, rooted };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }

  async #send(bundle: Uint8Array, wait: string): Promise<Json> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#service.postBytes(`/v1/bundles?wait=${wait}`, bundle, WAIT_MS);
      } catch (error) {
        // The try before, whose answer was lost, may have run: signing it anew could run it twice.
        if (tries > 1 && error instanceof SdkError && error.code === "H_NONCE") throw sdkError("SDK_LOST", error.message, {}, error);
        const isLost = error instanceof SdkError && error.code === "SDK_UNREACHABLE";
        if (!isLost || tries === TRIES || this.#isClosed) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** tries));
      }
    }
  }
}
