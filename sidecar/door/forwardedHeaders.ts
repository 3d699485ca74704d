import type { HeaderPairs } from "../gate/Sale.ts";
import { SidecarError } from "../SidecarError.ts";
import type { ClientSide } from "./ClientSide.ts";
import type { UpstreamAddress } from "./upstream/UpstreamAddress.ts";

/** Good for one hop only (RFC 9110 7.6.1). `expect` is answered by the door itself. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "expect"]);
/** What a client pays with is for the door alone. */
const PAYMENT = new Set(["payment-signature", "payment-required", "payment-response", "x-payment", "x-payment-response"]);
/** Beyond one byte a character would become another one as it is written, a line end even. */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** By these a framework replaces what was priced (`OVERRIDES` of the gate), or reads another body than was checked. */
const DECISIVE = new Set(["host", "content-length", "content-type", "x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export const VIA_NAME = "agnt2";

/** Names that a Connection header makes hop-by-hop, in lower case; undefined when there are none but the usual ones. */
export function namedByConnection(value: string | undefined): ReadonlySet<string> | undefined {
  if (value === undefined || value === "keep-alive" || value === "close") return undefined;
  return new Set(value.toLowerCase().split(",").map((name) => name.trim()));
}

function isForDoor(lower: string): boolean {
  return HOP_BY_HOP.has(lower) || PAYMENT.has(lower) || lower.startsWith("agnt2-") || lower.startsWith("proxy-");
}

/** CGI, WSGI and the like read `Agnt2_Payer` as `Agnt2-Payer`: such a name is good for nothing but to pass by a check. */
function isDisguised(lower: string): boolean {
  if (!lower.includes("_")) return false;
  const plain = lower.replaceAll("_", "-");
  return isForDoor(plain) || DECISIVE.has(plain);
}

/**
 * The head of a request as the upstream gets it: the client's headers in their order, less what is good for one hop or for the door alone.
 * @param body `chunked`: of unknown length; a number: in place of what the client said; undefined: as the client said, or none
 */
export function requestHeadText(client: ClientSide, address: UpstreamAddress, added: HeaderPairs, body: "chunked" | number | undefined): string {
  const { head, rawHeaders } = client;
  const named = namedByConnection(client.connection);
  let text = `${head.method} ${head.target === "*" ? "*" : address.basePath + head.target} HTTP/1.1\r\n`;
  let hasHost = false;
  let wantsTrailers = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    const lower = name.toLowerCase();
    if (lower === "te") wantsTrailers ||= /(^|[,\s])trailers($|[,;\s])/i.test(value);
    if (isForDoor(lower) || isDisguised(lower) || named?.has(lower) === true) continue;
    if (lower === "content-length" && body !== undefined) continue;
    if (lower === "host") hasHost = true;
    text += headerLine(name, value);
  }
  if (!hasHost) text += headerLine("Host", address.authority);
  if (body !== undefined) text += body === "chunked" ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${body}\r\n`;
  text += `Via: ${client.version} ${VIA_NAME}\r\n`;
  for (const [name, value] of added) text += headerLine(name, value);
  if (head.isUpgrade) return `${text}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  return `${text}${wantsTrailers ? "TE: trailers\r\nConnection: keep-alive, TE\r\n\r\n" : "Connection: keep-alive\r\n\r\n"}`;
}

/** Trailer lines for the upstream, without what must not stand in a trailer. */
export function trailerText(rawTrailers: readonly string[]): string {
  let text = "";
  for (const [name, value] of trailerPairs(rawTrailers)) text += headerLine(name, value);
  return text;
}

/** Framing, routing and payment have no place in a trailer (RFC 9110 6.5.1). */
export function trailerPairs(rawTrailers: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const lower = rawTrailers[i]!.toLowerCase();
    const isKept = !isForDoor(lower) && !isDisguised(lower) && lower !== "host" && lower !== "content-length";
    if (isKept) pairs.push([rawTrailers[i]!, rawTrailers[i + 1]!]);
  }
  return pairs;
}

/** An answer's headers for the client, flat: without what is good for one hop only, and without what only the door may say. */
export function answerHeaders(rawHeaders: readonly string[], minorVersion: 0 | 1, isLengthKept: boolean): string[] {
  const connection = joined(rawHeaders, "connection");
  const named = connection === undefined || /^(close|keep-alive)$/i.test(connection) ? undefined : new Set(connection.toLowerCase().split(",").map((name) => name.trim()));
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || lower.startsWith("agnt2-") || lower === "payment-response" || lower.startsWith("proxy-")) continue;
    if (lower === "content-length" ? !isLengthKept : named?.has(lower) === true) continue;
    kept.push(name, rawHeaders[i + 1]!);
  }
  kept.push("Via", `1.${minorVersion} ${VIA_NAME}`);
  return kept;
}

export function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
  return pairs;
}

function joined(rawHeaders: readonly string[], wanted: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === wanted.length && name.toLowerCase() === wanted) value = value === undefined ? rawHeaders[i + 1]! : `${value}, ${rawHeaders[i + 1]!}`;
  }
  return value;
}

/** The last look before bytes go to the upstream: nothing may begin a line of its own (HTTP/2 has other rules than HTTP/1.1). */
function headerLine(name: string, value: string): string {
  if (!TOKEN.test(name) || BAD_VALUE.test(value)) throw new SidecarError("door/request", { problem: "a header has characters that it must not have" });
  return `${name}: ${value}\r\n`;
}
