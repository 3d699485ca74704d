import type { CallUpstream } from "./SkillExecutor.ts";

/** Calls the service as the door would: its own address, no redirects followed, and told who pays. */
export function createUpstreamCall(baseUrl: string): CallUpstream {
  const base = baseUrl.replace(/\/+$/, "");
  return (call, caller, signal) => {
    const headers: Record<string, string> = {};
    if (call.contentType !== undefined) headers["content-type"] = call.contentType;
    if (caller.paid !== undefined) {
      headers["agnt2-payer"] = caller.paid.payer;
      headers["agnt2-way"] = caller.paid.way;
    }
    return fetch(`${base}${call.target}`, { method: call.skill.method, headers, signal, redirect: "manual", ...(call.body === undefined ? {} : { body: Buffer.from(call.body) }) });
  };
}
