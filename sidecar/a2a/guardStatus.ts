import type { Response } from "express";

import type { Caller } from "./Caller.ts";

/**
 * A request that was paid and failed must not look like a success, since successes are charged: its HTTP status says so, whatever the
 * protocol would put there. What the body says stays.
 */
export function guardStatus(res: Response, caller: Caller): void {
  if (caller.paid === undefined) return;
  const json = res.json.bind(res);
  res.json = (body: unknown) => {
    const isError = typeof body === "object" && body !== null && "error" in body;
    if (isError && res.statusCode < 400) res.status(400);
    return json(body);
  };
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response;
  res.writeHead = ((status: number, ...rest: unknown[]) => writeHead(caller.failedStatus ?? status, ...rest)) as typeof res.writeHead;
}
