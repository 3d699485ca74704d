/** What is known of a request before its body. */
export interface RequestHead {
  /** Upper case. */
  readonly method: string;
  /** Path and query exactly as in the request line. */
  readonly target: string;
  /** Names in lower case; as `node:http` joins repeated ones. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What limits count by: of IPv6 its network of 64 bits. */
  readonly remoteAddress: string;
  readonly isUpgrade: boolean;
  /** Whether a body follows; undefined: as the headers say (enough for HTTP/1.1; over HTTP/2 a body needs no header). */
  readonly hasBody?: boolean | undefined;
}

/** Reads the body of a request whole, or gives up. */
export interface BodyReader {
  /** @throws SidecarError `door/body-too-large`, `door/body-slow`, `door/body-broken` */
  read(maxBytes: number): Promise<Uint8Array>;
}
