import { FacilitatorResponseError } from "@x402/core/types";
import type {
  AssetAmount, Network, PaymentPayload, PaymentRequirements, Price, SchemeNetworkServer, SettleContext, SettleResponse, SupportedResponse, VerifiedPaymentCanceledContext, VerifyContext, VerifyResponse,
} from "@x402/core/types";
import type { FacilitatorClient, HTTPAdapter, HTTPTransportContext } from "@x402/core/server";

import { EMPTY_BODY_DIGEST, SdkError, answerHash, bodyDigest, networkOf, parseContentDigest, requestHash, toHex } from "../../sdk/index.ts";
import { SidecarError } from "../SidecarError.ts";
import type { VerifiedPayment, Way } from "./Way.ts";

/** A way of ours as the public packages' server wants it: register `server` for the network, and give it `facilitator`. */
export interface StockSeller {
  readonly server: SchemeNetworkServer;
  readonly facilitator: FacilitatorClient;
}

/** A payment between verify and settle: no other request gets in on it. */
interface Claim {
  readonly payment: VerifiedPayment;
  readonly requestHash: Uint8Array;
  readonly endsAtMs: number;
}

const GRACE_MS = 60_000;
const MOST_CLAIMS = 16_384;
const ATM = "default";

/** The target as in the request line: the adapter's URL without scheme and host. */
const targetOf = (adapter: HTTPAdapter): string => adapter.getUrl().replace(/^[a-z]+:\/\/[^/]*/i, "");

/** What is bought, if it can be known before the body: without one, or by its digest, or from bytes that a middleware before has read. */
async function readRequestHash(adapter: HTTPAdapter): Promise<Uint8Array | undefined> {
  const body = adapter.getBody?.();
  const named = parseContentDigest(adapter.getHeader("content-digest"));
  const isEmpty = (adapter.getHeader("content-length") ?? "0") === "0" && adapter.getHeader("transfer-encoding") === undefined;
  const digest = body instanceof Uint8Array ? await bodyDigest(body) : isEmpty ? EMPTY_BODY_DIGEST : named;
  if (digest === undefined) return undefined;
  if (named !== undefined && Buffer.compare(named, digest) !== 0) throw new SidecarError("payment/digest", {});
  return requestHash({ method: adapter.getMethod(), target: targetOf(adapter), contentType: adapter.getHeader("content-type"), bodyDigest: digest });
}

const adapterOf = (context: unknown): HTTPAdapter => (context as HTTPTransportContext).request.adapter;

/** Express tells the status to its own adapter only; others that charge for more than 200 pass `statusOf`. */
function expressStatus(adapter: HTTPAdapter): number {
  return (adapter as { readonly req?: { readonly res?: { readonly statusCode?: number } } }).req?.res?.statusCode ?? 200;
}

/**
 * Sells with a way of ours in a server of the public packages, such as `@x402/express`, in one process with it. Bodies without
 * Content-Digest are sold only when a middleware before has read them as bytes. No ledger: an answer that is lost on its way is lost.
 */
export function createStockSeller(way: Way, chainId: number, options: { readonly statusOf?: (adapter: HTTPAdapter) => number } = {}): StockSeller {
  const { statusOf = expressStatus } = options;
  const network = networkOf(chainId);
  const claims = new Map<string, Claim>();

  function claim(key: string, made: Claim): void {
    const nowMs = Date.now();
    if (claims.size >= MOST_CLAIMS) for (const [old, { endsAtMs }] of claims) if (endsAtMs < nowMs) claims.delete(old);
    if (claims.size >= MOST_CLAIMS) throw new SidecarError("way/unavailable", { way: way.name, retryAfterSeconds: 1 });
    const before = claims.get(key);
    if (before !== undefined && before.endsAtMs > nowMs) throw new SidecarError("payment/in-progress", {});
    claims.set(key, made);
  }

  /** Takes the payment out: each is settled or released once. */
  function takeOut(payload: PaymentPayload, requirement: PaymentRequirements): Claim {
    const { key } = way.read(payload, requirement);
    const found = claims.get(key);
    if (found === undefined) throw new SidecarError("payment/unsettled", { reason: "it was not verified here" });
    claims.delete(key);
    return found;
  }

  async function verify({ paymentPayload, requirements, transportContext }: VerifyContext): Promise<VerifyResponse> {
    const [payload, requirement] = [paymentPayload as PaymentPayload, requirements as PaymentRequirements];
    const adapter = adapterOf(transportContext);
    const hash = await readRequestHash(adapter);
    if (hash === undefined) throw new SidecarError("payment/digest-needed", { limitBytes: 0 });
    const offered = way.read(payload, requirement);
    const payment = await way.verify(offered, hash, addressOf(adapter));
    claim(payment.key, { payment, requestHash: hash, endsAtMs: Date.now() + 1_000 * requirement.maxTimeoutSeconds + GRACE_MS });
    return { isValid: true, payer: payment.payer };
  }

  async function settle({ paymentPayload, requirements, transportContext }: SettleContext): Promise<SettleResponse> {
    const { payment, requestHash: asked } = takeOut(paymentPayload as PaymentPayload, requirements as PaymentRequirements);
    const { request, responseBody, responseHeaders } = transportContext as HTTPTransportContext;
    const digest = await bodyDigest(responseBody ?? new Uint8Array(0));
    const contentType = Object.entries(responseHeaders ?? {}).find(([name]) => name.toLowerCase() === "content-type")?.[1];
    const answered = answerHash({ requestHash: asked, status: statusOf(request.adapter), contentType, bodyDigest: digest });
    const { transaction } = await way.settle(payment, answered);
    return { success: true, transaction, network, payer: payment.payer, amount: String(payment.amount), extra: { requestHash: toHex(asked), answerHash: toHex(answered) } };
  }

  async function canceled({ paymentPayload, requirements }: VerifiedPaymentCanceledContext): Promise<void> {
    await way.release(takeOut(paymentPayload as PaymentPayload, requirements as PaymentRequirements).payment);
  }

  const server: SchemeNetworkServer = {
    scheme: way.scheme,
    defaultAssetTransferMethod: ATM,
    paymentFlows: { [ATM]: { supported: ["authorization"], default: "authorization" } },
    dynamicExtraFields: ["requestHash"],
    schemeHooks: {
      onBeforeVerify: async (context) => ({
        skip: true,
        result: await verify(context).catch((error: unknown): VerifyResponse => ({ isValid: false, invalidReason: codeOf(error), invalidMessage: (error as Error).message })),
      }),
      onBeforeSettle: async (context) => ({
        skip: true,
        result: await settle(context).catch((error: unknown): SettleResponse => ({ success: false, errorReason: codeOf(error), errorMessage: (error as Error).message, transaction: "", network })),
      }),
      onVerifiedPaymentCanceled: canceled,
    },
    /** Tells buyers who cannot say it themselves what they are about to pay for. */
    async enrichPaymentRequiredResponse({ requirements, transportContext }) {
      const hash = await readRequestHash(adapterOf(transportContext)).catch((error: unknown) => (error instanceof SidecarError ? undefined : Promise.reject(error as Error)));
      if (hash === undefined) return;
      for (const each of requirements) if (each.scheme === way.scheme) each.extra = { ...each.extra, requestHash: toHex(hash) };
    },
    async parsePrice(price: Price): Promise<AssetAmount> {
      if (typeof price !== "object") throw new SidecarError("payment/invalid", { reason: "a price is { asset, amount } in base units" });
      return price;
    },
    async enhancePaymentRequirements(requirement) {
      const { asset, amount, maxTimeoutSeconds, extra } = requirement;
      const made = way.requirement({ amount: BigInt(amount), asset }, maxTimeoutSeconds);
      if (made.payTo.toLowerCase() !== requirement.payTo.toLowerCase()) throw new SidecarError("payment/wrong-payee", { payTo: requirement.payTo });
      return { ...made, extra: { ...extra, ...made.extra } };
    },
  };

  const refusal = (): never => {
    throw new FacilitatorResponseError("this way verifies and settles with the request at hand");
  };
  const facilitator: FacilitatorClient = {
    verify: async () => refusal(),
    settle: async () => refusal(),
    getSupported: async (): Promise<SupportedResponse> => ({ kinds: [{ x402Version: 2, scheme: way.scheme, network: network as Network }], extensions: [], signers: {} }),
  };
  return { server, facilitator };
}

function addressOf(adapter: HTTPAdapter): string {
  return (adapter as { readonly req?: { readonly socket?: { readonly remoteAddress?: string } } }).req?.socket?.remoteAddress ?? "";
}

/** The codes of ours go to the buyer; anything else is a bug or the machine's. */
function codeOf(error: unknown): string {
  if (error instanceof SidecarError || error instanceof SdkError) return error.code;
  throw error;
}
