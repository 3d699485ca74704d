import type { DatabaseSync, StatementSync } from "node:sqlite";

import { LEDGER_STATES } from "./LedgerRow.ts";
import type { LedgerState } from "./LedgerRow.ts";

const CLAIMED = LEDGER_STATES.indexOf("claimed");
const ANSWERED = LEDGER_STATES.indexOf("answered");
const SETTLED = LEDGER_STATES.indexOf("settled");
const RELEASED = LEDGER_STATES.indexOf("released");
/** What an answer costs besides its bytes. */
const ANSWER_OVERHEAD_BYTES = 256;
const DROPPED_AT_ONCE = 32;

/** One change of the ledger, as plain data. Times are unix seconds. */
export type LedgerChange =
  | {
      readonly kind: "claim"; readonly key: string; readonly way: string; readonly requestHash: Uint8Array; readonly proof: Uint8Array; readonly isRepeatable: boolean;
      readonly payer: string; readonly asset: string; readonly amount: string; readonly payment: string; readonly expiresAt: number | null; readonly now: number;
    }
  | {
      readonly kind: "answered"; readonly key: string; readonly answerHash: Uint8Array; readonly now: number;
      readonly answer: { readonly status: number; readonly headers: string; readonly body: Uint8Array } | undefined;
    }
  | { readonly kind: "settled"; readonly key: string; readonly transaction: string; readonly paidHeaders: string; readonly now: number }
  | { readonly kind: "released"; readonly key: string; readonly to: "releasing" | "released"; readonly now: number };

export interface WriterLimits {
  /** Bytes of all kept answers together. */
  readonly keepTotalBytes: number;
  /** Payers that have a total of their own. */
  readonly maxPayers: number;
}

/** Makes changes within a transaction that the caller began. */
export class LedgerWriter {
  readonly #limits: WriterLimits;
  readonly #statements: Readonly<Record<"claim" | "offer" | "dropOffer" | "answered" | "keep" | "dropKept" | "settled" | "settledAnswer" | "amountOf" | "released" | "oldest" | "drop" | "readTotal" | "writeTotal" | "forget" | "forgotten", StatementSync>>;
  readonly #sum: StatementSync;
  readonly #countPayers: StatementSync;
  #keptBytes = 0;
  #payers = 0;

  constructor(database: DatabaseSync, limits: WriterLimits) {
    this.#limits = limits;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#statements = {
      claim: prepare(
        `INSERT INTO payments (key, way, state, requestHash, proof, isRepeatable, payer, asset, amount, expiresAt, claimedAt, changedAt)
         VALUES (?, ?, ${CLAIMED}, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET state = ${CLAIMED}, requestHash = excluded.requestHash, proof = excluded.proof, isRepeatable = excluded.isRepeatable, payer = excluded.payer, asset = excluded.asset,
           amount = excluded.amount, expiresAt = excluded.expiresAt, answerHash = NULL, moved = NULL, claimedAt = excluded.claimedAt, changedAt = excluded.changedAt
         WHERE state = ${RELEASED}`,
      ),
      offer: prepare("INSERT INTO offers (id, payment) SELECT id, ? FROM payments WHERE key = ?"),
      dropOffer: prepare("DELETE FROM offers WHERE id = (SELECT id FROM payments WHERE key = ?)"),
      answered: prepare(`UPDATE payments SET state = ${ANSWERED}, answerHash = ?, changedAt = ? WHERE key = ? AND state = ${CLAIMED}`),
      keep: prepare("INSERT INTO answers (id, isSettled, bytes, status, headers, body) SELECT id, 0, ?, ?, ?, ? FROM payments WHERE key = ?"),
      dropKept: prepare("DELETE FROM answers WHERE id = (SELECT id FROM payments WHERE key = ?) RETURNING bytes"),
      settled: prepare(`UPDATE payments SET state = ${SETTLED}, moved = ?, changedAt = ? WHERE key = ? AND state = ${ANSWERED}`),
      settledAnswer: prepare("UPDATE answers SET isSettled = 1, paidHeaders = ? WHERE id = (SELECT id FROM payments WHERE key = ?)"),
      amountOf: prepare("SELECT way, asset, payer, amount FROM payments WHERE key = ?"),
      released: prepare(`UPDATE payments SET state = ?, changedAt = ? WHERE key = ? AND state <> ${SETTLED}`),
      oldest: prepare("SELECT id, bytes FROM answers WHERE isSettled = 1 ORDER BY id LIMIT ?"),
      drop: prepare("DELETE FROM answers WHERE id = ?"),
      readTotal: prepare("SELECT count, amount FROM totals WHERE way = ? AND asset = ? AND payer = ?"),
      writeTotal: prepare("INSERT INTO totals (way, asset, payer, count, amount) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = excluded.count, amount = excluded.amount"),
      forgotten: prepare(
        `SELECT payments.id, coalesce(answers.bytes, 0) AS bytes FROM payments LEFT JOIN answers USING (id)
         WHERE state IN (${SETTLED}, ${RELEASED}) AND expiresAt IS NOT NULL AND max(expiresAt, changedAt) < ? ORDER BY max(expiresAt, changedAt) LIMIT ?`,
      ),
      forget: prepare("DELETE FROM payments WHERE id = ?"),
    };
    this.#sum = prepare("SELECT coalesce(sum(bytes), 0) AS bytes FROM answers");
    this.#countPayers = prepare("SELECT count(*) AS payers FROM totals WHERE payer <> ''");
    this.recount();
  }

  /** Bytes of all kept answers. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** After a transaction that was rolled back: what is counted here comes from the file again. */
  recount(): void {
    this.#keptBytes = Number(this.#sum.get()!["bytes"]);
    this.#payers = Number(this.#countPayers.get()!["payers"]);
  }

  /** @returns whether the payment was in a state that the change begins from; if not, nothing is changed */
  apply(change: LedgerChange): boolean {
    const { claim, answered, settled, released } = this.#statements;
    switch (change.kind) {
      case "claim": {
        const { key, way, requestHash, proof, isRepeatable, payer, asset, amount, payment, expiresAt, now } = change;
        if (claim.run(key, way, requestHash, proof, isRepeatable ? 1 : 0, payer, asset, amount, expiresAt, now, now).changes === 0) return false;
        this.#statements.offer.run(payment, key);
        return true;
      }
      case "answered": {
        if (answered.run(change.answerHash, change.now, change.key).changes === 0) return false;
        if (change.answer !== undefined) this.#keep(change.key, change.answer);
        return true;
      }
      case "settled": {
        if (settled.run(change.transaction, change.now, change.key).changes === 0) return false;
        this.#statements.settledAnswer.run(change.paidHeaders, change.key);
        this.#statements.dropOffer.run(change.key);
        this.#count(change.key);
        return true;
      }
      case "released": {
        const to = LEDGER_STATES.indexOf(change.to satisfies LedgerState);
        if (released.run(to, change.now, change.key).changes === 0) return false;
        if (change.to === "released") this.#statements.dropOffer.run(change.key);
        this.#dropKept(change.key);
        return true;
      }
    }
  }

  /** Forgets payments that nobody can play any more. @returns how many */
  forget(before: number, most: number): number {
    const rows = this.#statements.forgotten.all(before, most);
    for (const { id, bytes } of rows) {
      this.#statements.forget.run(id!);
      this.#keptBytes -= Number(bytes);
    }
    return rows.length;
  }

  #keep(key: string, { status, headers, body }: { readonly status: number; readonly headers: string; readonly body: Uint8Array }): void {
    const bytes = body.length + headers.length + ANSWER_OVERHEAD_BYTES;
    this.#makeRoom(bytes);
    this.#statements.keep.run(bytes, status, headers, body, key);
    this.#keptBytes += bytes;
  }

  /** Drops the oldest answers that were delivered and paid. Where that is not enough the budget gives way: an answer that is not yet paid is never dropped. */
  #makeRoom(bytes: number): void {
    while (this.#keptBytes + bytes > this.#limits.keepTotalBytes) {
      const oldest = this.#statements.oldest.all(DROPPED_AT_ONCE);
      if (oldest.length === 0) return;
      for (const answer of oldest) {
        this.#statements.drop.run(answer["id"]!);
        this.#keptBytes -= Number(answer["bytes"]);
        if (this.#keptBytes + bytes <= this.#limits.keepTotalBytes) return;
      }
    }
  }

  #dropKept(key: string): void {
    const dropped = this.#statements.dropKept.get(key);
    if (dropped !== undefined) this.#keptBytes -= Number(dropped["bytes"]);
  }

  #count(key: string): void {
    const { way, asset, payer, amount } = this.#statements.amountOf.get(key) as { way: string; asset: string; payer: string; amount: string };
    this.#add(way, asset, "", amount);
    const isKnown = this.#statements.readTotal.get(way, asset, payer) !== undefined;
    if (!isKnown && this.#payers >= this.#limits.maxPayers) return;
    if (!isKnown) this.#payers += 1;
    this.#add(way, asset, payer, amount);
  }

  #add(way: string, asset: string, payer: string, amount: string): void {
    const before = this.#statements.readTotal.get(way, asset, payer) as { count: number; amount: string } | undefined;
    this.#statements.writeTotal.run(way, asset, payer, (before?.count ?? 0) + 1, String(BigInt(before?.amount ?? 0) + BigInt(amount)));
  }
}
