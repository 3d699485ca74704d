import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ChainError } from "../../chain/ChainError.ts";
import type { JournalEntry } from "../../chain/transactions/intent.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";

const ENTRIES: readonly JournalEntry[] = [
  { type: "intent", intent: { id: "batch-1", to: "0x01", valueWei: 10n ** 20n, data: "0x1234" } },
  { type: "attempt", id: "batch-1", attempt: { hash: "0xaa", nonce: 3, gasLimit: 21_000n, maxFeeWei: 7n, maxPriorityFeeWei: 1n } },
  { type: "mined", id: "batch-1", mined: { hash: "0xaa", blockNumber: 9, blockHash: "0xbb" } },
];

describe("file intent journal", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-journal-"));
    path = join(dir, "intents.log");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("load: gives back what was appended, big integers included", async () => {
    const journal = createFileIntentJournal({ path });
    expect(await journal.load()).to.deep.equal([]);
    await Promise.all(ENTRIES.map((entry) => journal.append([entry])));
    await journal.close();
    expect(await createFileIntentJournal({ path }).load()).to.deep.equal(ENTRIES);
  });

  it("load: cuts a torn last line off and says so", async () => {
    const journal = createFileIntentJournal({ path });
    await journal.load();
    await journal.append(ENTRIES);
    await journal.close();
    appendFileSync(path, "12345678 {\"type\":\"fin");
    let cutBytes = 0;
    expect(await createFileIntentJournal({ path, onCut: (bytes) => (cutBytes = bytes) }).load()).to.deep.equal(ENTRIES);
    expect(cutBytes).to.equal(21);
    expect(await createFileIntentJournal({ path }).load()).to.deep.equal(ENTRIES);
  });

  it("rewrite: replaces everything and goes on appending", async () => {
    const journal = createFileIntentJournal({ path });
    await journal.load();
    await journal.append(ENTRIES);
    await journal.rewrite([ENTRIES[0]]);
    await journal.append([ENTRIES[1]]);
    await journal.close();
    expect(await createFileIntentJournal({ path }).load()).to.deep.equal(ENTRIES.slice(0, 2));
  });

  it("load: refuses another format", async () => {
    writeFileSync(path, "something else\n");
    let code: string | undefined;
    await createFileIntentJournal({ path }).load().catch((error: unknown) => {
      code = error instanceof ChainError ? error.code : undefined;
    });
    expect(code).to.equal("JOURNAL_FORMAT");
  });
});
