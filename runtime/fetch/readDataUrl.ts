import { FetchError } from "./FetchError.ts";

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function refuse(problem: string, cause?: unknown): FetchError<"fetch/url"> {
  return new FetchError("fetch/url", { problem }, { cause });
}

/**
 * The bytes of `data:application/json;base64,…` or `data:application/json,…`.
 * @throws FetchError `fetch/url`, `fetch/tooLarge`
 */
export function readDataUrl(url: string, maxBytes: number): Uint8Array {
  const tooLarge = (): FetchError => new FetchError("fetch/tooLarge", { maxBytes });
  // Three letters for a byte in the plain form, and a little for what comes before the comma.
  if (url.length > 3 * maxBytes + 256) throw tooLarge();
  const comma = url.indexOf(",");
  if (!/^data:/i.test(url) || comma === -1) throw refuse("no comma");
  const [type = "", ...parameters] = url.slice(5, comma).split(";").map((part) => part.trim().toLowerCase());
  if (type !== "application/json") throw refuse("its type is not application/json");
  const isBase64 = parameters.at(-1) === "base64";
  const others = isBase64 ? parameters.slice(0, -1) : parameters;
  if (others.some((parameter) => !/^charset="?utf-8"?$/.test(parameter))) throw refuse("parameters other than UTF-8 and base64");
  let text: string;
  try {
    text = decodeURIComponent(url.slice(comma + 1));
  } catch (error) {
    throw refuse("it is not percent-encoded UTF-8", error);
  }
  if (isBase64 && !BASE64.test(text)) throw refuse("not base64");
  const bytes = Buffer.from(text, isBase64 ? "base64" : "utf8");
  if (bytes.length > maxBytes) throw tooLarge();
  return bytes;
}
