const FORBIDDEN = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|expect|host|payment-.*|x-payment.*|agnt2-.*)$/;

/** Of a program's headers those that go on: not the connection's, and no payments. */
export function outboundHeaders(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (!FORBIDDEN.test(lower)) kept[lower] = lower in kept ? `${kept[lower]}${lower === "cookie" ? "; " : ", "}${value}` : value;
  }
  return kept;
}
