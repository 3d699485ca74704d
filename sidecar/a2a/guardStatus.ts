import type { Response } from "express";

import type { Caller } from "./Caller.ts";

/**
 * A request that was paid and failed must not look like a success, since successes are charged: its HTTP status says so, whatever the
 * protocol would put there. What the body says stays.
 * @param onHead told the status that goes out
 */
export function guardStatus(res: Response, caller: Caller, onHead: (status: number) => void): void {
  if (caller.paid === undefined) return;
  const json = res.json.bind(res);
  res.json = (body: unknown) => {
    const isError = typeof body === "object" && body !== null && "error" in body;
    if (isError && res.statusCode < 400) res.status(400);
    return json(body);
  };
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response;
  res.writeHead = ((given: number, ...rest: unknown[]) => {
    const status = caller.failedStatus ?? given;
    onHead(status);
    return writeHead(status, ...rest);
  }) as typeof res.writeHead;
}
