/** Why a request target could be read in more than one way. */
export interface PathProblem {
  readonly problem: string;
}

const NOT_A_PATH: PathProblem = { problem: "the target does not begin with a slash" };
const CHARACTER: PathProblem = { problem: "a character outside printable ASCII" };
const FRAGMENT: PathProblem = { problem: "a fragment" };
const BACKSLASH: PathProblem = { problem: "a backslash" };
const DOT_SEGMENT: PathProblem = { problem: "a segment of dots" };
const EMPTY_SEGMENT: PathProblem = { problem: "an empty segment" };
const BROKEN_CODE: PathProblem = { problem: "a percent code that is none" };
const ENCODED: PathProblem = { problem: "an encoded dot, slash, backslash or control character" };
const TWICE_ENCODED: PathProblem = { problem: "a percent code within a percent code" };
const NEVER_UTF8: PathProblem = { problem: "an encoded byte that is never UTF-8" };

/** Every problem there is, so that an answer to each can be made beforehand. */
export const PATH_PROBLEMS: readonly PathProblem[] = [
  NOT_A_PATH, CHARACTER, FRAGMENT, BACKSLASH, DOT_SEGMENT, EMPTY_SEGMENT, BROKEN_CODE, ENCODED, TWICE_ENCODED, NEVER_UTF8,
];

const SLASH = 0x2f;
const PERCENT = 0x25;

/** Value of a hexadecimal digit; -1 for anything else. */
function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The byte that the code at `at` stands for, -1 if it is none. */
function byteAt(text: string, at: number): number {
  const high = digit(text.charCodeAt(at + 1));
  const low = digit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Bytes become characters of the same number, letters of ASCII small ones. */
function decode(path: string): string | PathProblem {
  let text = "";
  for (let at = 0; at < path.length; at++) {
    let code = path.charCodeAt(at);
    if (code === PERCENT) {
      code = byteAt(path, at);
      if (code < 0) return BROKEN_CODE;
      if (code < 0x20 || code === 0x7f || code === 0x2e || code === SLASH || code === 0x5c) return ENCODED;
      if (code === 0xc0 || code === 0xc1 || code >= 0xf5) return NEVER_UTF8;
      at += 2;
    }
    text += String.fromCharCode(code >= 0x41 && code <= 0x5a ? code + 0x20 : code);
  }
  return /%[0-9a-f]{2}/.test(text) ? TWICE_ENCODED : text;
}

/** The path without `;parameters`; their segments are looked at again, for what is left of them. */
function withoutParameters(path: string): string | PathProblem {
  const segments = path.split("/").map((segment) => segment.replace(/;.*/s, ""));
  for (let index = 1; index < segments.length; index++) {
    const segment = segments[index]!.trim();
    if (segment === "" && (index < segments.length - 1 || path.at(-1) !== "/")) return EMPTY_SEGMENT;
    if (/^\.+$/.test(segment)) return DOT_SEGMENT;
  }
  return segments.join("/");
}

/**
 * The loosest reading of a request target's path, which prices are matched against: letters small, percent codes decoded (to characters
 * of the bytes' numbers), `;parameters` and a slash at the end left out, no query. Whatever a service might read otherwise all the same
 * is a problem. Linear in the target's length.
 */
export function canonicalPath(target: string): string | PathProblem {
  if (target.charCodeAt(0) !== SLASH) return NOT_A_PATH;
  let end = -1;
  let isPlain = true;
  let hasCapitals = false;
  /** Where the segment begins, and whether it has been dots only. */
  let start = 1;
  let isDots = true;
  const length = target.length;
  for (let at = 1; at < length; at++) {
    const code = target.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return CHARACTER;
    if (code === 0x23) return FRAGMENT;
    if (end >= 0) continue;
    if (code === 0x3f) {
      end = at;
    } else if (code === SLASH) {
      if (at === start) return EMPTY_SEGMENT;
      if (isDots) return DOT_SEGMENT;
      start = at + 1;
      isDots = true;
    } else if (code !== 0x2e) {
      isDots = false;
      if (code === 0x5c) return BACKSLASH;
      if (code === PERCENT || code === 0x3b) isPlain = false;
      else if (code >= 0x41 && code <= 0x5a) hasCapitals = true;
    }
  }
  if (end < 0) end = length;
  if (isDots && end > start) return DOT_SEGMENT;
  let path: string | PathProblem = end === length ? target : target.slice(0, end);
  if (!isPlain) {
    path = decode(path);
    if (typeof path === "string") path = withoutParameters(path);
    if (typeof path !== "string") return path;
  } else if (hasCapitals) {
    path = path.toLowerCase();
  }
  return path.length > 1 && path.charCodeAt(path.length - 1) === SLASH ? path.slice(0, -1) : path;
}
