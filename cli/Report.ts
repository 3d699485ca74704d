import pc from "picocolors";

import type { Agnt2Client } from "../sdk/Agnt2Client.ts";
import { chainUnitsToBase, describeUnits, formatBaseUnits, toChainUnits } from "../sdk/amount.ts";
import type { Asset } from "../sdk/amount.ts";

type Value = string | number | boolean | bigint | null | undefined | readonly Value[] | { readonly [name: string]: Value };

/** An amount in units of the chain: whole units for people, base units for programs. */
export class UnitAmount {
  readonly units: number;
  readonly asset: Asset;

  constructor(units: number, asset: Asset) {
    this.units = units;
    this.asset = asset;
  }

  toJSON(): string {
    return chainUnitsToBase(this.units, this.asset).toString();
  }

  toString(): string {
    return describeUnits(this.units, this.asset);
  }
}

/** An amount in base units, shown as {@link UnitAmount} is. */
export class BaseAmount {
  readonly base: bigint;
  readonly asset: Asset;

  constructor(base: bigint, asset: Asset) {
    this.base = base;
    this.asset = asset;
  }

  toJSON(): string {
    return this.base.toString();
  }

  toString(): string {
    return `${formatBaseUnits(this.base, this.asset)} ${this.asset.symbol}`;
  }
}

export type Row = Readonly<Record<string, Value | UnitAmount | BaseAmount>>;

/** Without what would steer the terminal: texts come from servers. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "?");
}

function toText(value: Value | UnitAmount | BaseAmount): string {
  if (value instanceof UnitAmount || value instanceof BaseAmount) return printable(value.toString());
  if (value === null || value === undefined) return "-";
  return printable(typeof value === "object" ? JSON.stringify(value, replacer) : String(value)).replaceAll("\n", "?");
}

/** What a command says: text for people, or one JSON document for programs. */
export class Report {
  readonly isJson: boolean;

  constructor(isJson: boolean) {
    this.isJson = isJson;
  }

  /** A sentence, and the facts behind it. */
  result(sentence: string, facts: Row): void {
    if (this.isJson) {
      this.#json(facts);
      return;
    }
    if (sentence !== "") process.stdout.write(`${sentence}\n`);
    const width = Math.max(0, ...Object.keys(facts).map((name) => name.length));
    for (const [name, value] of Object.entries(facts)) process.stdout.write(`  ${pc.dim(name.padEnd(width))}  ${toText(value)}\n`);
  }

  /** One of many things that happen while a command runs: for programs a JSON document on a line of its own. */
  event(sentence: string, facts: Row): void {
    if (this.isJson) process.stdout.write(`${JSON.stringify(facts, replacer)}\n`);
    else this.result(sentence, facts);
  }

  /** A list, one line an item. */
  table(sentence: string, name: string, rows: readonly Row[]): void {
    if (this.isJson) {
      this.#json({ [name]: rows as unknown as Value });
      return;
    }
    process.stdout.write(`${sentence}\n`);
    const columns = Object.keys(rows[0] ?? {});
    const cells = [columns, ...rows.map((row) => columns.map((column) => toText(row[column])))];
    const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]!.length)));
    cells.forEach((line, index) => {
      const text = line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd();
      process.stdout.write(`  ${index === 0 ? pc.dim(text) : text}\n`);
    });
  }

  /** Shows that something is waited for, on terminals only. */
  async waiting<T>(label: string, work: Promise<T>): Promise<T> {
    // A terminal may say that it has no columns: a spinner would clear lines there without end.
    if (this.isJson || process.stderr.isTTY !== true || process.stderr.columns === 0) return work;
    // Loaded only where it is seen: on terminals.
    const spinner = import("ora").then(({ default: ora }) => ora({ text: label, stream: process.stderr }).start());
    try {
      return await work;
    } finally {
      (await spinner).stop();
    }
  }

  /** An error with what happened, why and what to do; the code is for programs. */
  error(error: unknown): void {
    const known = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; todo?: unknown; values?: unknown };
    const message = error instanceof Error ? error.message : String(error);
    const code = typeof known.code === "string" ? known.code : "CLI_INTERNAL";
    const todo = typeof known.todo === "string" && known.todo !== "" ? known.todo : undefined;
    if (this.isJson) {
      // What a contract calls its refusal: for programs that would have to read the message otherwise.
      const { contractError } = (known.values ?? {}) as { contractError?: unknown };
      process.stderr.write(`${JSON.stringify({ error: { code, message, ...(typeof contractError === "string" ? { contractError } : {}), ...(todo === undefined ? {} : { todo }) } }, replacer)}\n`);
      return;
    }
    process.stderr.write(`${pc.red(printable(code))}  ${printable(message)}\n`);
    if (todo !== undefined) process.stderr.write(`  What to do: ${printable(todo).replace(/\.$/, "")}.\n`);
  }

  #json(value: Row): void {
    process.stdout.write(`${JSON.stringify(value, replacer, 2)}\n`);
  }
}

function replacer(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** An amount that was given in whole units, as a fact. */
export async function givenAmount(client: Agnt2Client, whole: string): Promise<UnitAmount> {
  const { asset } = await client.config();
  return new UnitAmount(toChainUnits(whole, asset), asset);
}

/** For amounts in rows. */
export async function amountMaker(client: Agnt2Client): Promise<(units: number) => UnitAmount> {
  const { asset } = await client.config();
  return (units) => new UnitAmount(units, asset);
}
