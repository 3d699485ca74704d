import type { IncomingHttpHeaders } from "node:http";

import type { WayName } from "../ways/Way.ts";

/** Who has paid for a request, and how; the gate's word. */
export interface PaidExchange {
  /** Lower case. */
  readonly payer: string;
  readonly way: WayName;
  /** The payment's key in the ledger. */
  readonly payment: string;
  /** Hex; undefined where the gate does not say. */
  readonly requestHash: string | undefined;
  /** Of `agnt2-call`. */
  readonly invocation: { readonly slot: number; readonly id: number } | undefined;
}

const WAYS: readonly WayName[] = ["exact", "call", "channel"];

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? undefined : value;
}

/**
 * Reads what the gate puts into the request's headers: `Agnt2-Payer`, `Agnt2-Way`, `Agnt2-Payment`, `Agnt2-Request` and, for
 * `agnt2-call`, `Agnt2-Invocation` as `slot:id`. The door takes away what a client sends under these names, so they are believed.
 */
export function readPaidExchange(headers: IncomingHttpHeaders): PaidExchange | undefined {
  const payer = one(headers["agnt2-payer"]);
  const way = WAYS.find((name) => name === one(headers["agnt2-way"]));
  if (payer === undefined || way === undefined) return undefined;
  const requestHash = one(headers["agnt2-request"]);
  const [, slot, id] = /^(\d{1,10}):(\d{1,16})$/.exec(one(headers["agnt2-invocation"]) ?? "") ?? [];
  return {
    payer: payer.toLowerCase(),
    way,
    payment: one(headers["agnt2-payment"]) ?? "",
    requestHash: /^0x[0-9a-f]{64}$/.test(requestHash ?? "") ? requestHash : undefined,
    invocation: way === "call" && slot !== undefined && id !== undefined ? { slot: Number(slot), id: Number(id) } : undefined,
  };
}
