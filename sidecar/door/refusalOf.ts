import type { Refusal } from "../gate/Sale.ts";
import { SidecarError } from "../SidecarError.ts";

/** What a client gets for a refusal: its code and sentence as JSON. */
export function refusalOf(error: SidecarError): Refusal {
  const headers: [string, string][] = [
    ["Content-Type", "application/json"],
    ["Cache-Control", "no-store"],
  ];
  if (error.status === 503) headers.push(["Retry-After", String(retryAfterSeconds(error))]);
  return { status: error.status, headers, body: Buffer.from(JSON.stringify(error.body())) };
}

/** Turns whatever a gate or its parts threw into a refusal's error; `isOurs` false: worth a line in the log. */
export function sidecarErrorOf(thrown: unknown): { readonly error: SidecarError; readonly isOurs: boolean } {
  if (thrown instanceof SidecarError) return { error: thrown, isOurs: true };
  return { error: new SidecarError("door/failed", {}, { cause: thrown }), isOurs: false };
}

function retryAfterSeconds({ payload }: SidecarError): number {
  return "retryAfterSeconds" in payload ? Math.max(1, Math.ceil(payload.retryAfterSeconds)) : 1;
}
