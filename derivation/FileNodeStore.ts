import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { NodeStore } from "../core/state/tree/index.ts";
import { RecordFile } from "./files/RecordFile.ts";

const HASH_BYTES = 32;

/**
 * The nodes of an append-only tree in files, one a level, so that old receipts can be proven without holding them in
 * memory. The tree's snapshot says how many leaves it stands for: `truncate` to that before going on from it.
 */
export class FileNodeStore implements NodeStore {
  readonly #dir: string;
  readonly #name: string;
  readonly #levels: RecordFile[] = [];

  /**
   * @param dir made when it is not there
   * @param name of the tree, e.g. "receipts": the files are NAME-LEVEL.nodes
   * @param depth of the tree: it has depth + 1 levels
   */
  constructor(dir: string, name: string, depth: number) {
    this.#dir = dir;
    this.#name = name;
    mkdirSync(dir, { recursive: true });
    for (let level = 0; level <= depth; level += 1) {
      this.#levels.push(new RecordFile(join(this.#dir, `${this.#name}-${level}.nodes`), HASH_BYTES));
    }
  }

  put(level: number, firstIndex: number, hashes: Uint8Array): void {
    const file = this.#level(level);
    if (firstIndex !== file.count) throw new RangeError(`${this.#name}, level ${level}: node ${firstIndex} came where ${file.count} was due`);
    file.append(hashes);
  }

  get(level: number, index: number): Uint8Array {
    return this.#level(level).read(index);
  }

  /** Forgets all nodes that are not complete with `leafCount` leaves. Throws a RangeError when some of them are missing. */
  truncate(leafCount: number): void {
    this.#levels.forEach((file, level) => file.truncate(Math.floor(leafCount / 4 ** level)));
  }

  sync(): void {
    for (const file of this.#levels) file.sync();
  }

  close(): void {
    for (const file of this.#levels) file.close();
  }

  #level(level: number): RecordFile {
    const file = this.#levels[level];
    if (file === undefined) throw new RangeError(`${this.#name} has no level ${level}`);
    return file;
  }
}
