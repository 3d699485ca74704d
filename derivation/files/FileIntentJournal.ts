import { mkdir, open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

import { ChainError } from "../../chain/ChainError.ts";
import type { IntentJournal, JournalEntry } from "../../chain/transactions/intent.ts";
import { decodeJournalEntry, encodeJournalEntry } from "../../chain/transactions/journalCodec.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";

const FORMAT_LINE = `{"format":"agnt2-intents","version":1}`;

export interface FileIntentJournal extends IntentJournal {
  close(): Promise<void>;
}

export interface FileIntentJournalOptions {
  readonly path: string;
  /** Told how many bytes of a torn last write were cut off. */
  readonly onCut?: (bytes: number) => void;
}

function lineOf(entry: JournalEntry): string {
  const body = encodeJournalEntry(entry);
  return `${crc32(body).toString(16).padStart(8, "0")} ${body}\n`;
}

/** The whole entries of the text and where they end; what follows was torn by a crash. */
function parse(text: string): { entries: JournalEntry[]; endBytes: number } {
  const entries: JournalEntry[] = [];
  let at = text.indexOf("\n") + 1;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    const body = text.slice(at + 9, end);
    if (end < 0 || crc32(body).toString(16).padStart(8, "0") !== text.slice(at, at + 8)) break;
    entries.push(decodeJournalEntry(body));
    at = end + 1;
  }
  return { entries, endBytes: Buffer.byteLength(text.slice(0, at)) };
}

/**
 * Intents in a file: one checked line an entry, on disk (fsync) before `append` resolves. A torn last line is cut off,
 * and said. Several appends at once share one fsync.
 * @throws ChainError `JOURNAL_FORMAT`
 */
export function createFileIntentJournal(options: FileIntentJournalOptions): FileIntentJournal {
  const { path } = options;
  let file: FileHandle | undefined;
  let waiting: string[] = [];
  let flush: Promise<void> | undefined;
  let writing: Promise<void> = Promise.resolve();

  /** Where the whole entries end: a write that failed half way (full disk) is written over by the next one. */
  let endBytes = 0;

  async function writeWaiting(): Promise<void> {
    const bytes = Buffer.from(waiting.join(""));
    waiting = [];
    flush = undefined;
    file ??= await open(path, "r+");
    await file.truncate(endBytes);
    let done = 0;
    while (done < bytes.length) done += (await file.write(bytes, done, bytes.length - done, endBytes + done)).bytesWritten;
    await file.datasync();
    endBytes += bytes.length;
  }

  return {
    async load() {
      await mkdir(dirname(path), { recursive: true });
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        await writeFileAtomic(path, `${FORMAT_LINE}\n`, 0o600);
        endBytes = Buffer.byteLength(FORMAT_LINE) + 1;
        return [];
      }
      if (!text.startsWith(`${FORMAT_LINE}\n`)) {
        throw new ChainError("JOURNAL_FORMAT", text.slice(0, Math.min(80, text.indexOf("\n"))), { path });
      }
      const parsed = parse(text);
      endBytes = parsed.endBytes;
      const cutBytes = Buffer.byteLength(text) - endBytes;
      if (cutBytes > 0) {
        const handle = await open(path, "r+");
        await handle.truncate(endBytes);
        await handle.sync();
        await handle.close();
        options.onCut?.(cutBytes);
      }
      return parsed.entries;
    },
    append(entries) {
      waiting.push(...entries.map(lineOf));
      if (flush === undefined) {
        flush = writing.then(writeWaiting);
        writing = flush.catch(() => undefined);
      }
      return flush;
    },
    async rewrite(entries) {
      const run = writing.then(async () => {
        await file?.close();
        file = undefined;
        const text = `${FORMAT_LINE}\n${entries.map(lineOf).join("")}`;
        await writeFileAtomic(path, text, 0o600);
        endBytes = Buffer.byteLength(text);
      });
      writing = run.catch(() => undefined);
      await run;
    },
    async close() {
      await writing;
      await file?.close();
      file = undefined;
    },
  };
}
