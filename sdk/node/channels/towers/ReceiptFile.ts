import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { readReceipt, readTowerState, writeReceipt, writeTowerState } from "../../../../chain/tower/towerJson.ts";
import { TowerStateError } from "../../../../chain/tower/TowerStateError.ts";
import type { TowerState } from "../../../../chain/tower/TowerState.ts";
import { fromHex, toHex } from "../../../../core/codec/hex.ts";
import { sdkError } from "../../../SdkError.ts";
import type { SignedReceipt } from "../../../TowerClient.ts";

/** A promise with what it is for: all that `TowerBond.slash` wants besides the adjudicator's mark. */
export interface KeptReceipt extends SignedReceipt {
  readonly url: string;
  readonly state: TowerState;
}

/**
 * Of each tower. A promise holds for a close that begins after it was given: the newest one alone would prove nothing about a close
 * that had begun when it came.
 */
const KEPT_PER_TOWER = 8;

interface Row {
  readonly url: string;
  readonly receipt: unknown;
  readonly signature: string;
  readonly state: unknown;
}

/** The newest receipts of the towers of one channel, in one small file that is written whole. */
export class ReceiptFile {
  readonly #dir: string;
  readonly #name: string;
  #kept: readonly KeptReceipt[];
  #writing: Promise<void> = Promise.resolve();

  private constructor(dir: string, name: string, kept: readonly KeptReceipt[]) {
    [this.#dir, this.#name, this.#kept] = [dir, name, kept];
  }

  /** @throws SdkError `SDK_INPUT` when the file holds something else */
  static async open(dir: string, channelId: string): Promise<ReceiptFile> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const name = `receipts-${channelId.replace(/^0x/, "").slice(0, 16)}.json`;
    const path = join(dir, name);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "[]" : Promise.reject(error)));
    try {
      const rows = JSON.parse(text) as readonly Row[];
      return new ReceiptFile(dir, name, rows.map(({ url, receipt, signature, state }) => ({ url, receipt: readReceipt(receipt), signature: fromHex(signature, 64), state: readTowerState(state) })));
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError || error instanceof TowerStateError)) throw error;
      throw sdkError("SDK_INPUT", `${path} holds no receipts: ${error.message}`, { path }, error);
    }
  }

  /** Of every tower that ever gave one. */
  get urls(): readonly string[] {
    return [...new Set(this.#kept.map(({ url }) => url))];
  }

  /** The newest one of a tower. */
  newest(url: string): KeptReceipt | undefined {
    return this.#kept.findLast((each) => each.url === url);
  }

  /** Resolves when it is on disk. */
  async put(kept: KeptReceipt): Promise<void> {
    const [others, own] = [this.#kept.filter(({ url }) => url !== kept.url), this.#kept.filter(({ url }) => url === kept.url)];
    this.#kept = [...others, ...own.slice(1 - KEPT_PER_TOWER), kept];
    const written = this.#writing.then(() => this.#write());
    // One that failed is told to who asked for it; the next one writes everything again.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(): Promise<void> {
    const rows: Row[] = this.#kept.map(({ url, receipt, signature, state }) => ({ url, receipt: writeReceipt(receipt), signature: toHex(signature), state: writeTowerState(state) }));
    const draft = join(this.#dir, `${this.#name}.new`);
    const handle = await open(draft, "w", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(rows)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, join(this.#dir, this.#name));
  }
}
