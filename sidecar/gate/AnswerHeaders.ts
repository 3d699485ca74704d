import { ATTESTATION_HEADER, encodeAttestation, signAttestation } from "../../sdk/x402/attestation.ts";
import type { DigestSigner } from "../../sdk/x402/attestation.ts";
import { toBase64Url } from "../../sdk/x402/base64.ts";
import type { SettledPayment, VerifiedPayment, WayName } from "../ways/Way.ts";
import type { HeaderPairs } from "./Sale.ts";

/** An answer that was paid. */
export interface PaidAnswer {
  readonly way: WayName;
  readonly payment: VerifiedPayment;
  readonly settled: SettledPayment;
  readonly requestHash: Uint8Array;
  readonly answerHash: Uint8Array;
}

/** What a paid answer says about itself, besides PAYMENT-RESPONSE. */
export interface AnswerHeaders {
  of(answer: PaidAnswer): HeaderPairs | Promise<HeaderPairs>;
}

export interface AttestationOptions {
  /** Of the L1. */
  readonly chainId: number;
  /** The agent's session key or its own. */
  readonly signer: DigestSigner;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
}

const toHex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
const NOTHING: HeaderPairs = [];

/**
 * Attestations as docs/SIDECAR.md section 3 has them: signed for exact; for a call the invocation whose RESPOND is the attestation; for a
 * channel none, the engine's signed chain is it.
 */
export function createAttestations({ chainId, signer, now = Date.now }: AttestationOptions): AnswerHeaders {
  return {
    of({ way, payment, settled, requestHash, answerHash }) {
      if (way === "channel") return NOTHING;
      if (way === "call") {
        const [slot, id] = settled.transaction.split(":").map(Number);
        return [[ATTESTATION_HEADER, toBase64Url(JSON.stringify({ slot, id, requestHash: toHex(requestHash), answerHash: toHex(answerHash) }))]];
      }
      return signAttestation(chainId, { requestHash, answerHash, payment: payment.key, time: Math.floor(now() / 1_000) }, signer).then((signed) => [[ATTESTATION_HEADER, encodeAttestation(signed)]]);
    },
  };
}
