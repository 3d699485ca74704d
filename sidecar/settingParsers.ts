import type { Parser } from "../runtime/config/parsers.ts";

function parser<T>(typeName: string, parse: (text: string) => T): Parser<T> {
  return Object.assign((value: string) => parse(value), { typeName });
}

/** Whole units as decimal text; nothing is rounded here. */
export const amount: Parser<string> = parser("amount", (value) => {
  if (!/^\d{1,30}(\.\d{1,18})?$/.test(value)) throw new Error("expected whole units, for example 0.25");
  return value;
});

/** What something costs in a token, for the scheme `exact`. */
export interface TokenPrice {
  /** As it was given; the gate checks it. */
  readonly token: string;
  /** Whole units of the token. */
  readonly amount: string;
}

export const tokenPrice: Parser<TokenPrice> = parser("TOKEN=AMOUNT", (value) => {
  const match = /^(0x[0-9a-fA-F]{40})=(\d{1,30}(?:\.\d{1,18})?)$/.exec(value);
  if (match === null) throw new Error("expected 0xTOKEN=AMOUNT, for example 0x…=0.01");
  return { token: match[1]!, amount: match[2]! };
});

/** A name for another agent. */
export interface NamedAgent {
  readonly name: string;
  /** Its ERC-8004 id as decimal text, or its URL. */
  readonly target: string;
}

export const namedAgent: Parser<NamedAgent> = parser("NAME=AGENT", (value) => {
  const match = /^([a-z0-9][a-z0-9._-]{0,63})=(\d{1,78}|https?:\/\/\S+)$/.exec(value);
  if (match === null || (!/^\d/.test(match[2]!) && !URL.canParse(match[2]!))) throw new Error("expected NAME=AGENT-ID or NAME=URL, for example translator=12");
  return { name: match[1]!, target: match[2]! };
});

