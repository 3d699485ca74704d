import { SidecarError } from "../SidecarError.ts";

const METHOD = /^[A-Z][A-Z0-9_-]{0,31}$/;
const BAD_TARGET = /[^\x21-\x7e]/;
/** Dots as segments, double slashes, backslashes, and encoded forms of dot, slash, backslash and NUL: what two readers could take for two paths. */
const AMBIGUOUS_PATH = /\/\/|\\|\/\.{1,2}(?:\/|;|$)|%(?:2[ef]|5c|00)/i;
const NAMED_FOR_ALL = /(?:^|[,\s])(?:host|content-[a-z]+|authorization|agnt2-[^,\s]*|payment-[^,\s]*)(?:$|[,\s])/i;

/**
 * The checks of a request line that Node's parser leaves to us: origin form only (`*` for OPTIONS), and a path that reads one way.
 * @throws SidecarError `door/request`, `door/path`
 */
export function checkTarget(method: string, target: string): void {
  if (!METHOD.test(method) || method === "CONNECT" || method === "TRACE") throw new SidecarError("door/request", { problem: "this method is not served" });
  if (target === "*" && method === "OPTIONS") return;
  if (target.charCodeAt(0) !== 47) throw new SidecarError("door/request", { problem: "the target is not a path" });
  if (BAD_TARGET.test(target) || target.includes("#")) throw new SidecarError("door/request", { problem: "the target has characters that it must not have" });
  const query = target.indexOf("?");
  if (AMBIGUOUS_PATH.test(query === -1 ? target : target.slice(0, query))) throw new SidecarError("door/path", { problem: "dots, or double, backward or encoded slashes" });
}

export interface CheckedHeaders {
  /** Undefined: none was given. */
  readonly contentLength: number | undefined;
  readonly isChunked: boolean;
  /** The Connection header's value, joined. */
  readonly connection: string | undefined;
}

/**
 * One Host, one Content-Length or one Transfer-Encoding but not both, `chunked` and nothing else.
 * @param rawHeaders name, value, … as they came
 * @throws SidecarError `door/request`
 */
export function checkHeaders(rawHeaders: readonly string[], isHttp10: boolean): CheckedHeaders {
  let hosts = 0;
  let contentLength: number | undefined;
  let isChunked = false;
  let connection: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "host") break;
        hosts++;
        if (!/^[A-Za-z0-9.\-_:[\]~!$&'()*+,;=%]*$/.test(value)) throw new SidecarError("door/request", { problem: "the Host is not one" });
        break;
      case 10:
        if (name.toLowerCase() === "connection") connection = connection === undefined ? value : `${connection}, ${value}`;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (contentLength !== undefined || !/^[0-9]{1,15}$/.test(value)) throw new SidecarError("door/request", { problem: "the Content-Length is not one number" });
        contentLength = Number(value);
        break;
      case 17:
        if (name.toLowerCase() !== "transfer-encoding") break;
        if (isChunked || isHttp10 || value.toLowerCase() !== "chunked") throw new SidecarError("door/request", { problem: "the Transfer-Encoding is not chunked" });
        isChunked = true;
        break;
    }
  }
  if (hosts > 1 || (hosts === 0 && !isHttp10)) throw new SidecarError("door/request", { problem: "there is not one Host" });
  if (isChunked && contentLength !== undefined) throw new SidecarError("door/request", { problem: "it has both a Content-Length and a Transfer-Encoding" });
  // Who names these wants the other side to read another request than the one that was checked.
  if (connection !== undefined && NAMED_FOR_ALL.test(connection)) throw new SidecarError("door/request", { problem: "Connection names a header that is for everyone" });
  return { contentLength, isChunked, connection };
}
