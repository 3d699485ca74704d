import type { SidecarError } from "../SidecarError.ts";
import type { HeaderPairs, Refusal } from "./Sale.ts";

/** What a client gets for a refusal: its code and sentences as JSON, nothing of the service. */
export function refusalOf(error: SidecarError, more: HeaderPairs = []): Refusal {
  const headers: [string, string][] = [
    ["Content-Type", "application/json"],
    ["Cache-Control", "no-store"],
  ];
  if (error.status === 503) headers.push(["Retry-After", String("retryAfterSeconds" in error.payload ? Math.max(1, Math.ceil(error.payload.retryAfterSeconds)) : 1)]);
  return { status: error.status, headers: [...headers, ...more], body: Buffer.from(JSON.stringify(error.body())) };
}
