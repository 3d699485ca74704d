import type { AnsweredSale, Claim } from "../../../sidecar/ledger/LedgerRow.ts";
import type { WayName } from "../../../sidecar/ways/Way.ts";

export const TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
export const PAYER = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";

/** A claim of nothing in particular. */
export function claimOf(key: string, { way = "exact", amount = 10n, payer = PAYER, expiresAt = 2_000, isRepeatable = false }: { way?: WayName; amount?: bigint; payer?: string; expiresAt?: number | undefined; isRepeatable?: boolean } = {}): Claim {
  const requirement = { scheme: "exact", network: "eip155:31337" as const, asset: TOKEN, amount: String(amount), payTo: TOKEN, maxTimeoutSeconds: 60, extra: {} };
  const payment = { key, expiresAt, payload: { x402Version: 2, accepted: requirement, payload: { key } }, requirement, ticket: way === "exact" ? undefined : new Uint8Array(16).fill(3), payer, amount };
  return { way, payment, requestHash: new Uint8Array(32).fill(1), proof: new Uint8Array(32).fill(2), isRepeatable };
}

export function answerOf(text: string): AnsweredSale {
  return { answerHash: new Uint8Array(32).fill(4), answer: { status: 200, headers: [["content-type", "text/plain"]], body: Buffer.from(text) } };
}

export const PAID = { transaction: "0xabc", headers: [["PAYMENT-RESPONSE", "e30="]] } as const;
