import { randomBytes } from "node:crypto";

import { decodePaymentResponseHeader, encodePaymentSignatureHeader } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { ExactEvmScheme, authorizationTypes } from "@x402/evm";
import { getAddress, isAddress } from "viem";
import { z } from "zod";

import { ATTESTATION_HEADER, decodeAttestation, isAttestationSigned } from "../../../sdk/x402/attestation.ts";
import type { Attestation } from "../../../sdk/x402/attestation.ts";
import type { Receipt } from "../Receipt.ts";
import { isHashOf } from "./BuyerWay.ts";
import type { AnswerHead, BuyerWay, Fate, Payment, PaymentOrder, Proof, WholeAnswer } from "./BuyerWay.ts";

const SALT_BYTES = 16;

/** Signs EIP-712 data; a viem account is one, and so is any `KeySigner` of `runtime/keystore`. */
export interface TypedDataSigner {
  readonly address: string;
  signTypedData(data: {
    readonly domain: Record<string, unknown>;
    readonly types: Record<string, readonly { readonly name: string; readonly type: string }[]>;
    readonly primaryType: string;
    readonly message: Record<string, unknown>;
  }): Promise<string>;
}

/** Reads an ERC-3009 token. */
export interface AuthorizationReader {
  /** Whether the nonce is used, and the time of the block that says so (Unix seconds). @throws when the chain cannot be asked */
  read(network: string, asset: string, from: string, nonce: string): Promise<{ readonly isUsed: boolean; readonly blockTime: number }>;
}

export interface ExactBuyerOptions {
  readonly signer: TypedDataSigner;
  /** Without one nobody can say of a payment without an answer whether it was played: it counts as spent for good. */
  readonly reader?: AuthorizationReader | undefined;
  /** A seller may ask for longer; a payment lives no longer than this. Default 300. */
  readonly maxValiditySeconds?: number;
  /**
   * Whether a key signs for a payee besides the payee's own, such as its session key ({@link createSessionKeyCheck}). Without it, or where it
   * cannot tell, an attestation by another key than the payee's is no proof, and no fault.
   */
  readonly isSignerOf?: ((payee: string, signer: string) => Promise<boolean | undefined>) | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** A block may be stamped a little early. */
const EXPIRY_MARGIN_SECONDS = 15;
/** Nobody could be asked for so long after the end of a payment: it is given up. */
const GIVE_UP_SECONDS = 7 * 86_400;
const NETWORK = /^eip155:(\d{1,15})$/;

const authorizationSchema = z.object({
  from: z.string(), to: z.string(), value: z.string(), validAfter: z.string(), validBefore: z.string(), nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/),
});
type Authorization = z.infer<typeof authorizationSchema>;

const storedSchema = z.object({ network: z.string(), asset: z.string(), from: z.string(), nonce: z.string() });

function chainIdOf(network: string): number | undefined {
  const [, digits] = NETWORK.exec(network) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** PAYMENT-RESPONSE says that the money moved. Only the seller would lie about it, and to its own harm. */
export function isSettled(answer: AnswerHead): boolean {
  const header = answer.header("payment-response") ?? answer.header("x-payment-response");
  if (header === undefined || header.length > 16_384) return false;
  try {
    return decodePaymentResponseHeader(header).success === true;
  } catch {
    return false;
  }
}

async function proveAttestation(answer: WholeAnswer, payment: { readonly key: string; readonly requirement: PaymentRequirements }, isSignerOf: NonNullable<ExactBuyerOptions["isSignerOf"]>): Promise<Proof> {
  const text = answer.header(ATTESTATION_HEADER.toLowerCase());
  if (text === undefined) return { kind: "none", text: "" };
  let attestation: Attestation;
  try {
    attestation = decodeAttestation(text);
  } catch {
    return { kind: "bad", text };
  }
  const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
  const payee = payment.requirement.payTo.toLowerCase();
  const isConsistent =
    isSame(attestation.requestHash, answer.requestHash) &&
    isHashOf(attestation.answerHash, answer) &&
    attestation.payment.toLowerCase() === payment.key &&
    isAttestationSigned(chainIdOf(payment.requirement.network) ?? 0, attestation);
  if (!isConsistent) return { kind: "bad", text };
  if (attestation.signer === payee) return { kind: "good", text };
  const isTheirs = await isSignerOf(payee, attestation.signer).catch(() => undefined);
  return { kind: isTheirs === undefined ? "none" : isTheirs ? "good" : "bad", text };
}

/** x402 scheme `exact` with EIP-3009: the public client signs; a payment that replaces another has its nonce, so that one of both at most is ever played. */
export function createExactBuyerWay({ signer, reader, maxValiditySeconds = 300, isSignerOf = async () => undefined, now = Date.now }: ExactBuyerOptions): BuyerWay {
  const account = { address: getAddress(signer.address), signTypedData: async (data: Parameters<TypedDataSigner["signTypedData"]>[0]) => (await signer.signTypedData(data)) as `0x${string}` };
  const scheme = new ExactEvmScheme(account);

  /** The public client makes a nonce of its own for each payment; this makes the one of a payment before it worthless. */
  async function signAgain(requirement: PaymentRequirements, nonce: string): Promise<Record<string, unknown>> {
    const authorization = {
      from: account.address, to: getAddress(requirement.payTo), value: requirement.amount, validAfter: "0",
      validBefore: String(Math.floor(now() / 1000) + requirement.maxTimeoutSeconds), nonce,
    };
    const signature = await account.signTypedData({
      domain: { name: requirement.extra["name"], version: requirement.extra["version"], chainId: chainIdOf(requirement.network), verifyingContract: getAddress(requirement.asset) },
      types: authorizationTypes as unknown as Record<string, { name: string; type: string }[]>,
      primaryType: "TransferWithAuthorization",
      message: { ...authorization, value: BigInt(authorization.value), validAfter: 0n, validBefore: BigInt(authorization.validBefore) },
    });
    return { authorization, signature };
  }

  async function pay({ requirement, offer, replaces }: PaymentOrder): Promise<Payment> {
    const bounded: PaymentRequirements = { ...requirement, maxTimeoutSeconds: Math.min(requirement.maxTimeoutSeconds, maxValiditySeconds) };
    const earlier = replaces === undefined ? undefined : storedSchema.parse(JSON.parse(replaces.payload));
    if (earlier !== undefined && (earlier.asset !== requirement.asset.toLowerCase() || earlier.network !== requirement.network)) {
      throw new Error("a payment in another asset would not make the first one worthless");
    }
    const payload = earlier === undefined ? (await scheme.createPaymentPayload(2, bounded)).payload : await signAgain(bounded, earlier.nonce);
    const authorization: Authorization = authorizationSchema.parse(payload["authorization"]);
    const isAsOrdered =
      authorization.from === account.address && authorization.to === getAddress(requirement.payTo) && authorization.value === requirement.amount;
    if (!isAsOrdered) throw new Error("the client made another payment than was ordered");
    // An authorization is public once it is on chain; with this, only who made the payment can ask for its answer again.
    const extensions = { ...offer.extensions, agnt2: { salt: randomBytes(SALT_BYTES).toString("hex") } };
    const full: PaymentPayload = { x402Version: 2, resource: offer.resource, accepted: requirement, payload, extensions };
    const asset = requirement.asset.toLowerCase();
    const key = `exact:${asset}:${account.address}:${authorization.nonce}`.toLowerCase();
    const stored = { network: requirement.network, asset, from: account.address, nonce: authorization.nonce };
    return {
      key,
      expiresAt: Number(authorization.validBefore),
      payload: JSON.stringify(stored),
      headers: { "payment-signature": encodePaymentSignatureHeader(full) },
      requirement,
      fate: async (answer) => (answer !== undefined && isSettled(answer) ? "paid" : "open"),
      prove: (answer) => proveAttestation(answer, { key, requirement }, isSignerOf),
    };
  }

  async function lookUp(receipt: Receipt): Promise<Fate> {
    // It is written down before it is sent: what was not, nobody has.
    if (receipt.state === "reserved" || receipt.payload === "") return "dead";
    const nowSeconds = now() / 1000;
    if (reader === undefined) return nowSeconds > receipt.expiresAt + EXPIRY_MARGIN_SECONDS ? "unknown" : "open";
    const { network, asset, from, nonce } = storedSchema.parse(JSON.parse(receipt.payload));
    const { isUsed, blockTime } = await reader.read(network, asset, from, nonce);
    if (isUsed) return "paid";
    if (blockTime > receipt.expiresAt + EXPIRY_MARGIN_SECONDS) return "dead";
    return nowSeconds > receipt.expiresAt + GIVE_UP_SECONDS ? "unknown" : "open";
  }

  return {
    name: "exact",
    scheme: "exact",
    isReservedFirst: true,
    maxPriceAgeMs: undefined,
    refusal: (requirement) => {
      if (chainIdOf(requirement.network) === undefined) return "not a network of EVM chains";
      if (!isAddress(requirement.asset, { strict: false }) || !isAddress(requirement.payTo, { strict: false })) return "an address that is none";
      const method = requirement.extra["assetTransferMethod"] ?? "eip3009";
      if (method !== "eip3009") return "a transfer by other means than EIP-3009";
      if (typeof requirement.extra["name"] !== "string" || typeof requirement.extra["version"] !== "string") return "no name and version of the token";
      return undefined;
    },
    pay,
    lookUp,
  };
}
