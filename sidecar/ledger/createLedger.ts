import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { freeDiskBytes } from "../../runtime/files/freeDisk.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { HeaderPairs, HeldAnswer } from "../gate/Sale.ts";
import type { VerifiedPayment, WayName } from "../ways/Way.ts";
import type { Ledger, LedgerOptions } from "./Ledger.ts";
import { LedgerError } from "./LedgerError.ts";
import { LEDGER_STATES } from "./LedgerRow.ts";
import type { Claim, LedgerRow, LedgerTotal } from "./LedgerRow.ts";
import { LedgerWriter } from "./LedgerWriter.ts";
import type { LedgerChange } from "./LedgerWriter.ts";
import { openLedgerFile } from "./openLedgerFile.ts";

export const LEDGER_FILE = "ledger.sqlite";
const ROW = "id, key, way, state, requestHash, proof, isRepeatable, answerHash, expiresAt, payment";
const FORGOTTEN_AT_ONCE = 256;
const SQLITE_IO_ERROR = 10;
const SQLITE_FULL = 13;

export const LEDGER_DEFAULTS = {
  keepAnswerBytes: 2 ** 20,
  keepTotalBytes: 256 * 2 ** 20,
  keepSeconds: 3_600,
  maxFileBytes: 8 * 2 ** 30,
  minFreeBytes: 64 * 2 ** 20,
  maxWaiting: 8_192,
  maxPayers: 100_000,
} as const;

interface Waiting {
  readonly change: LedgerChange;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface StoredPayment extends Omit<VerifiedPayment, "ticket" | "amount" | "expiresAt"> {
  readonly ticket: string | undefined;
  readonly amount: string;
  readonly expiresAt: number | undefined;
}

function storePayment({ key, expiresAt, payload, requirement, ticket, payer, amount }: VerifiedPayment): string {
  return JSON.stringify({ key, expiresAt, payload, requirement, payer, amount: String(amount), ticket: ticket && Buffer.from(ticket).toString("hex") } satisfies StoredPayment);
}

function readPayment(text: unknown): VerifiedPayment | undefined {
  if (typeof text !== "string") return undefined;
  const { ticket, amount, expiresAt, ...rest } = JSON.parse(text) as StoredPayment;
  return { ...rest, expiresAt, amount: BigInt(amount), ticket: ticket === undefined ? undefined : new Uint8Array(Buffer.from(ticket, "hex")) };
}

function readRow(row: Record<string, unknown>): LedgerRow {
  return {
    id: row["id"] as number,
    key: row["key"] as string,
    way: row["way"] as WayName,
    state: LEDGER_STATES[row["state"] as number]!,
    requestHash: row["requestHash"] as Uint8Array,
    proof: row["proof"] as Uint8Array,
    isRepeatable: row["isRepeatable"] === 1,
    answerHash: (row["answerHash"] as Uint8Array | null) ?? undefined,
    expiresAt: (row["expiresAt"] as number | null) ?? undefined,
    payment: readPayment(row["payment"]),
  };
}

/**
 * The ledger in this folder, which belongs to it alone until it is closed. Changes of one turn of the event loop become one transaction:
 * one wait for the disk for all of them.
 * @throws LedgerError `ledger/foreign`, `ledger/corrupt`, `ledger/newer`; FilesError `files/locked`
 */
export function createLedger(dir: string, options: LedgerOptions = {}): Ledger {
  const { now = Date.now } = options;
  const limit = (name: keyof typeof LEDGER_DEFAULTS): number => options[name] ?? LEDGER_DEFAULTS[name];
  const [keepAnswerBytes, keepSeconds, minFreeBytes, maxWaiting] = [limit("keepAnswerBytes"), limit("keepSeconds"), limit("minFreeBytes"), limit("maxWaiting")];
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = lockDataDir(dir, "ledger.lock");
  const path = join(dir, LEDGER_FILE);
  const database = openOrRelease();
  const writer = new LedgerWriter(database, { keepTotalBytes: limit("keepTotalBytes"), maxPayers: limit("maxPayers") });
  const findRow = database.prepare(`SELECT ${ROW} FROM payments WHERE key = ?`);
  const findProof = database.prepare(`SELECT ${ROW} FROM payments WHERE proof = ? AND way = ? ORDER BY id DESC LIMIT 1`);
  const findUnfinished = database.prepare(`SELECT ${ROW} FROM payments WHERE state IN (0, 1, 3) AND id > ? ORDER BY id LIMIT ?`);
  const findAnswer = database.prepare("SELECT status, headers, body, paidHeaders FROM answers JOIN payments USING (id) WHERE id = ?");
  const allTotals = database.prepare("SELECT way, asset, payer, count, amount FROM totals ORDER BY way, asset, payer");

  let waiting: Waiting[] = [];
  let flush: NodeJS.Immediate | undefined;
  let isFull = false;
  let isClosed = false;
  let whenClosed: Promise<void> | undefined;

  function openOrRelease(): ReturnType<typeof openLedgerFile> {
    try {
      return openLedgerFile(path, limit("maxFileBytes"));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  const seconds = (): number => Math.floor(now() / 1_000);

  function failed(cause: unknown): LedgerError {
    const { errcode = 0 } = cause as { errcode?: number };
    // The number of an extended code is in its last byte. A disk without room fails as FULL, or as an error of reading and writing.
    const isNoRoom = (errcode & 255) === SQLITE_FULL || (errcode & 255) === SQLITE_IO_ERROR;
    if (isNoRoom) isFull = true;
    return new LedgerError(isNoRoom ? "ledger/full" : "ledger/failed", { path }, { cause });
  }

  /** Runs `work` in a transaction; what it changed is on disk when this returns. */
  function transact<T>(work: () => T): T {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      writer.recount();
      throw error;
    }
  }

  function settle(group: readonly Waiting[], isApplied: readonly boolean[]): void {
    group.forEach(({ change, resolve, reject }, index) => (isApplied[index] ? resolve() : reject(new LedgerError("ledger/state", { key: change.key, wanted: change.kind }))));
  }

  function write(): void {
    flush = undefined;
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      settle(group, transact(() => group.map(({ change }) => writer.apply(change))));
    } catch (error) {
      if (group.length === 1) {
        group[0]!.reject(failed(error));
        return;
      }
      // One of them is at fault, or the room is not enough for all: what can be written is.
      for (const one of group) writeAlone(one);
    }
  }

  function writeAlone(one: Waiting): void {
    try {
      settle([one], [transact(() => writer.apply(one.change))]);
    } catch (error) {
      one.reject(failed(error));
    }
  }

  function submit(change: LedgerChange): Promise<void> {
    if (isClosed) return Promise.reject(new LedgerError("ledger/closed", { path }));
    return new Promise((resolve, reject) => {
      waiting.push({ change, resolve, reject });
      flush ??= setImmediate(write);
    });
  }

  return {
    get canClaim() {
      return !isFull && !isClosed && waiting.length < maxWaiting;
    },

    find(key) {
      const row = findRow.get(key);
      return row === undefined ? undefined : readRow(row);
    },

    answer({ id }): HeldAnswer | undefined {
      const row = findAnswer.get(id) as { status: number; headers: string; body: Uint8Array; paidHeaders: string | null } | undefined;
      if (row === undefined) return undefined;
      const headers = JSON.parse(row.headers) as HeaderPairs;
      return { status: row.status, headers: row.paidHeaders === null ? headers : [...headers, ...(JSON.parse(row.paidHeaders) as HeaderPairs)], body: row.body };
    },

    findByProof(way, proof) {
      const row = findProof.get(proof, way);
      return row === undefined ? undefined : readRow(row);
    },

    unfinished: (afterId, most) => findUnfinished.all(afterId, most).map(readRow),

    totals: (): LedgerTotal[] =>
      allTotals.all().map((row) => ({
        way: row["way"] as WayName,
        asset: row["asset"] as string,
        payer: row["payer"] === "" ? undefined : (row["payer"] as string),
        count: row["count"] as number,
        amount: BigInt(row["amount"] as string),
      })),

    claim: ({ way, payment, requestHash, proof, isRepeatable }: Claim) =>
      submit({
        kind: "claim", key: payment.key, way, requestHash, proof, isRepeatable, payer: payment.payer, asset: payment.requirement.asset,
        amount: String(payment.amount), payment: storePayment(payment), expiresAt: payment.expiresAt ?? null, now: seconds(),
      }),

    answered(key, { answerHash, answer }) {
      const isKept = answer !== undefined && answer.body.length <= keepAnswerBytes;
      return submit({
        kind: "answered", key, answerHash, now: seconds(),
        answer: isKept ? { status: answer.status, headers: JSON.stringify(answer.headers), body: answer.body } : undefined,
      });
    },

    settled: (key, { transaction, headers }) => submit({ kind: "settled", key, transaction, paidHeaders: JSON.stringify(headers), now: seconds() }),

    released: (key, to) => submit({ kind: "released", key, to, now: seconds() }),

    async maintain() {
      const freeBytes = await freeDiskBytes(dir);
      if (isClosed) return false;
      isFull = freeBytes < minFreeBytes;
      if (isFull && freeBytes === 0) return false;
      try {
        return transact(() => writer.forget(seconds() - keepSeconds, FORGOTTEN_AT_ONCE)) === FORGOTTEN_AT_ONCE;
      } catch (error) {
        throw failed(error);
      }
    },

    close() {
      whenClosed ??= (async () => {
        if (flush !== undefined) {
          clearImmediate(flush);
          write();
        }
        isClosed = true;
        database.close();
        lock.release();
      })();
      return whenClosed;
    },
  };
}
