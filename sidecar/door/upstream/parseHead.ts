import { AnswerProblem } from "./AnswerProblem.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What must not stand in a header value or a reason phrase; the same as Node's own check for what it sends. */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: (.*))?$/;

export interface StatusLine {
  readonly minorVersion: 0 | 1;
  readonly status: number;
  readonly reason: string;
}

/** Reads a status line (RFC 9112 section 4). @throws AnswerProblem */
export function parseStatusLine(line: string): StatusLine {
  const match = STATUS_LINE.exec(line);
  if (match === null) throw new AnswerProblem("its status line is not one");
  const reason = match[3] ?? "";
  if (BAD_VALUE.test(reason)) throw new AnswerProblem("its reason phrase has control characters");
  return { minorVersion: match[1] === "1" ? 1 : 0, status: Number(match[2]), reason };
}

/**
 * Reads header or trailer lines of `text` from `from` on, each ended by CRLF: no folding, no bare CR or LF, no space before the colon (RFC 9112 section 5).
 * @returns name, value, name, value… as they came
 * @throws AnswerProblem
 */
export function parseFieldLines(text: string, from: number, maxCount: number): string[] {
  const raw: string[] = [];
  let at = from;
  while (at < text.length) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (end === -1 || colon === -1 || colon > end) throw new AnswerProblem("a header line is not one");
    const name = text.slice(at, colon);
    const value = text.slice(colon + 1, end).trim();
    if (!TOKEN.test(name)) throw new AnswerProblem("a header name has characters that it must not have");
    if (BAD_VALUE.test(value)) throw new AnswerProblem("a header value has control characters");
    raw.push(name, value);
    if (raw.length > 2 * maxCount) throw new AnswerProblem("it has too many headers");
    at = end + 2;
  }
  return raw;
}
