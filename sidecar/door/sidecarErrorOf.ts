import { SidecarError } from "../SidecarError.ts";

/** Turns whatever a gate or its parts threw into a refusal's error; `isOurs` false: worth a line in the log. */
export function sidecarErrorOf(thrown: unknown): { readonly error: SidecarError; readonly isOurs: boolean } {
  if (thrown instanceof SidecarError) return { error: thrown, isOurs: true };
  return { error: new SidecarError("door/failed", {}, { cause: thrown }), isOurs: false };
}
