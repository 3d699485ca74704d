/** Turns the text of a setting into its value; throws an Error that says what was expected. */
export type Parser<T> = ((text: string) => T) & { readonly typeName: string };

function parser<T>(typeName: string, parse: (text: string) => T): Parser<T> {
  return Object.assign((text: string) => parse(text), { typeName });
}

function fail(expected: string): never {
  throw new Error(`expected ${expected}`);
}

/** Any text that is not empty. */
export const text: Parser<string> = parser("text", (value) => (value === "" ? fail("a text that is not empty") : value));

/** A plain lower-case name of at most 40 characters, as databases take it without quotes. */
export const identifier: Parser<string> = parser("name", (value) => (/^[a-z_][a-z0-9_]{0,39}$/.test(value) ? value : fail("lower-case letters, digits and _, at most 40")));

/** true/false, yes/no, on/off, 1/0. */
export const flag: Parser<boolean> = parser("flag", (value) => {
  const lower = value.toLowerCase();
  if (["true", "yes", "on", "1"].includes(lower)) return true;
  if (["false", "no", "off", "0"].includes(lower)) return false;
  return fail("true or false");
});

/** A whole number within bounds, both included. */
export function integer(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Parser<number> {
  const range = min === Number.MIN_SAFE_INTEGER && max === Number.MAX_SAFE_INTEGER ? "" : ` from ${min} to ${max}`;
  return parser(`integer${range}`, (value) => {
    const number = Number(value);
    return /^-?\d+$/.test(value) && number >= min && number <= max ? number : fail(`a whole number${range}`);
  });
}

/** A TCP port; 0 lets the system choose. */
export const port: Parser<number> = Object.assign((value: string) => integer(0, 65_535)(value), { typeName: "port" });

/** A duration in milliseconds; `250ms`, `5s`, `2m`, `1h` are understood too. */
export const durationMs: Parser<number> = parser("duration", (value) => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  if (match === null) return fail("a duration such as 250ms, 5s or 2m");
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? "ms"]!;
  return Math.round(Number(match[1]) * unitMs);
});

/** An URL of one of the given schemes. */
export function url(...schemes: string[]): Parser<string> {
  const expected = schemes.length === 0 ? "an URL" : `an URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return parser("URL", (value) => {
    const parsed = URL.parse(value);
    return parsed !== null && (schemes.length === 0 || schemes.includes(parsed.protocol.slice(0, -1))) ? value : fail(expected);
  });
}

/** One of a few words. */
export function oneOf<const T extends string>(...choices: T[]): Parser<T> {
  return parser(choices.join(" \\| "), (value) => choices.find((choice) => choice === value) ?? fail(`one of ${choices.join(", ")}`));
}

/** 0x and hexadecimal digits, of exactly `bytes` bytes where that is given. */
export function hex(bytes?: number): Parser<string> {
  const expected = `0x followed by ${bytes === undefined ? "an even number of" : bytes * 2} hexadecimal digits`;
  return parser(bytes === undefined ? "hex" : `hex, ${bytes} bytes`, (value) =>
    /^0x(?:[0-9a-fA-F]{2})*$/.test(value) && (bytes === undefined || value.length === 2 + bytes * 2) ? value : fail(expected),
  );
}

/** Values separated by commas; blanks around them are dropped. */
export function list<T>(item: Parser<T>): Parser<T[]> {
  return parser(`list of ${item.typeName}`, (value) => (value.trim() === "" ? [] : value.split(",").map((part) => item(part.trim()))));
}
