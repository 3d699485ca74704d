import type { Request, Response } from "express";

import { parseDocument } from "../../runtime/fetch/parseDocument.ts";
import { FetchError } from "../../runtime/fetch/FetchError.ts";

/**
 * Reads a body up to a size, as JSON of bounded depth, before the protocol's library does: its own reader then finds nothing left.
 * A slow sender is the door's business.
 */
export function readJsonBody(maxBytes: number) {
  return (req: Request, res: Response, next: (error?: unknown) => void): void => {
    const refuse = (status: number, code: number, message: string): void => {
      res.status(status).setHeader("connection", "close");
      res.json({ jsonrpc: "2.0", id: null, error: { code, message } });
    };
    if (req.method !== "POST") return next();
    const encoding = req.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") return refuse(415, -32005, "send the body without a content coding");
    if (Number(req.headers["content-length"] ?? 0) > maxBytes) return refuse(413, -32600, `a message has ${maxBytes} bytes at most`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isOver = false;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (isOver) return;
      if (bytes <= maxBytes) chunks.push(chunk);
      else {
        isOver = true;
        refuse(413, -32600, `a message has ${maxBytes} bytes at most`);
      }
    });
    req.once("error", (error) => {
      if (!isOver) next(error);
      isOver = true;
    });
    req.once("end", () => {
      if (isOver) return;
      try {
        req.body = bytes === 0 ? {} : parseDocument(Buffer.concat(chunks));
      } catch (error) {
        if (error instanceof FetchError) return refuse(400, -32700, "that is no JSON, or nested too deep");
        return next(error);
      }
      next();
    });
  };
}
