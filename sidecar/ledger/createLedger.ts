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
import type { ChangeProblem } from "./LedgerFile.ts";
import type { LedgerChange } from "./LedgerWriter.ts";
import { openLedgerFile } from "./openLedgerFile.ts";
import { createInlineScribe, WriterThread } from "./WriterThread.ts";

export const LEDGER_FILE = "ledger.sqlite";
const ROW = "id, key, way, state, requestHash, proof, isRepeatable, answerHash, expiresAt, payment FROM payments LEFT JOIN offers USING (id)";
const FORGOTTEN_AT_ONCE = 256;

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
 * The ledger in this folder, which belongs to it alone until it is closed. Changes that come in one turn of the event loop, or while the
 * disk is busy, become one transaction: one wait for the disk for all of them, and in a thread of its own.
 * @throws LedgerError `ledger/foreign`, `ledger/corrupt`, `ledger/newer`; FilesError `files/locked`
 */
export function createLedger(dir: string, options: LedgerOptions = {}): Ledger {
  const { now = Date.now, hasThread = true } = options;
  const limit = (name: keyof typeof LEDGER_DEFAULTS): number => options[name] ?? LEDGER_DEFAULTS[name];
  const [keepAnswerBytes, keepSeconds, minFreeBytes, maxWaiting] = [limit("keepAnswerBytes"), limit("keepSeconds"), limit("minFreeBytes"), limit("maxWaiting")];
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = lockDataDir(dir, "ledger.lock");
  const path = join(dir, LEDGER_FILE);
  const database = openOrRelease();
  const fileOptions = { path, maxFileBytes: limit("maxFileBytes"), keepTotalBytes: limit("keepTotalBytes"), maxPayers: limit("maxPayers") };
  const writer = hasThread ? new WriterThread(fileOptions) : createInlineScribe(fileOptions);
  const findRow = database.prepare(`SELECT ${ROW} WHERE key = ?`);
  const findProof = database.prepare(`SELECT ${ROW} WHERE proof = ? AND way = ? ORDER BY id DESC LIMIT 1`);
  const findUnfinished = database.prepare(`SELECT ${ROW} WHERE state IN (0, 1, 3) AND id > ? ORDER BY id LIMIT ?`);
  const findAnswer = database.prepare("SELECT status, headers, body, paidHeaders FROM answers WHERE id = ?");
  const allTotals = database.prepare("SELECT way, asset, payer, count, amount FROM totals ORDER BY way, asset, payer");

  let waiting: Waiting[] = [];
  let flush: NodeJS.Immediate | undefined;
  let writing: Promise<void> | undefined;
  /** Changes of which the disk has not answered yet. */
  let atDisk = 0;
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

  function failed({ problem, message }: ChangeProblem, change: string): LedgerError {
    if (problem === "state") return new LedgerError("ledger/state", { key: change, wanted: message });
    if (problem === "full") isFull = true;
    return new LedgerError(problem === "full" ? "ledger/full" : "ledger/failed", { path }, { why: message });
  }

  /** What has come together goes to the disk; meanwhile the next comes together. */
  async function write(): Promise<void> {
    const group = waiting;
    waiting = [];
    atDisk = group.length;
    try {
      const problems = await writer.write(group.map(({ change }) => change));
      group.forEach(({ change, resolve, reject }, index) => (problems[index] === undefined ? resolve() : reject(failed(problems[index], change.key))));
    } catch (cause) {
      const error = new LedgerError("ledger/failed", { path }, { cause });
      for (const { reject } of group) reject(error);
    }
    atDisk = 0;
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) await write();
    writing = undefined;
  }

  function startWriting(): void {
    flush = undefined;
    writing ??= writeAll();
  }

  function submit(change: LedgerChange): Promise<void> {
    if (isClosed) return Promise.reject(new LedgerError("ledger/closed", { path }));
    return new Promise((resolve, reject) => {
      waiting.push({ change, resolve, reject });
      if (writing === undefined) flush ??= setImmediate(startWriting);
    });
  }

  return {
    get canClaim() {
      return !isFull && !isClosed && waiting.length + atDisk < maxWaiting;
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
        kind: "claim", key: payment.key, way, requestHash: new Uint8Array(requestHash), proof: new Uint8Array(proof), isRepeatable, payer: payment.payer, asset: payment.requirement.asset,
        amount: String(payment.amount), payment: storePayment(payment), expiresAt: payment.expiresAt ?? null, now: seconds(),
      }),

    answered(key, { answerHash, answer }) {
      const isKept = answer !== undefined && answer.body.length <= keepAnswerBytes;
      return submit({
        kind: "answered", key, answerHash: new Uint8Array(answerHash), now: seconds(),
        // A copy of its own: it goes to the thread, and a body may be a part of something larger.
        answer: isKept ? { status: answer.status, headers: JSON.stringify(answer.headers), body: new Uint8Array(answer.body) } : undefined,
      });
    },

    settled: (key, { transaction, headers }) => submit({ kind: "settled", key, transaction, paidHeaders: JSON.stringify(headers), now: seconds() }),

    released: (key, to) => submit({ kind: "released", key, to, now: seconds() }),

    async maintain() {
      const freeBytes = await freeDiskBytes(dir);
      if (isClosed) return false;
      isFull = freeBytes < minFreeBytes;
      if (isFull && freeBytes === 0) return false;
      const forgotten = await writer.forget(seconds() - keepSeconds, FORGOTTEN_AT_ONCE).catch((cause: unknown) => Promise.reject(new LedgerError("ledger/failed", { path }, { cause })));
      if (typeof forgotten !== "number") throw failed(forgotten, "");
      return forgotten === FORGOTTEN_AT_ONCE;
    },

    close() {
      whenClosed ??= (async () => {
        isClosed = true;
        clearImmediate(flush);
        startWriting();
        await writing;
        await writer.close();
        database.close();
        lock.release();
      })();
      return whenClosed;
    },
  };
}
