import type { IncomingMessage } from "node:http";

/**
 * Whose request it is: the peer, or behind `trustedProxies` proxies of ours what the outermost of them says of its own peer.
 * Whatever a client writes into the header itself stands further left and is not looked at.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const header = request.headers["x-forwarded-for"];
  const told = (Array.isArray(header) ? header.join(",") : (header ?? "")).split(",").map((part) => part.trim()).filter((part) => part !== "");
  const chain = [...told, request.socket.remoteAddress ?? "unknown"];
  return chain[Math.max(0, chain.length - 1 - trustedProxies)] ?? "unknown";
}
