/** Where the service is. */
export interface UpstreamAddress {
  readonly isTls: boolean;
  /** Undefined: a unix socket. */
  readonly host: string | undefined;
  readonly port: number;
  readonly socketPath: string | undefined;
  /** For the Host header of requests that have none. */
  readonly authority: string;
  /** Put before every target; without a slash at its end. */
  readonly basePath: string;
}

/**
 * Reads `http://host:port`, `https://host:port`, both with a path to put before every target, or `unix:/path/to.sock`.
 * @throws TypeError when it is none of these
 */
export function parseUpstreamAddress(text: string): UpstreamAddress {
  if (text.startsWith("unix:")) {
    const socketPath = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
    if (!socketPath.startsWith("/")) throw new TypeError("An upstream on a unix socket is written unix:/path/to.sock.");
    return { isTls: false, host: undefined, port: 0, socketPath, authority: "localhost", basePath: "" };
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError("An upstream is http://…, https://… or unix:/….");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") throw new TypeError("An upstream's URL has a host, a port and a path, nothing else.");
  const isTls = url.protocol === "https:";
  return {
    isTls,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    socketPath: undefined,
    authority: url.host,
    basePath: url.pathname.replace(/\/+$/, ""),
  };
}
