import { readFileSync } from "node:fs";

import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";

/** Marks kept: more blocks with entries than a crash can set the log back. */
const KEPT = 256;
/** Blocks before a mark that are read again: a reorganisation may have moved its entry down. */
const MARGIN_BLOCKS = 256;

/** Block of an entry. */
interface Mark {
  readonly index: number;
  readonly block: number;
}

/**
 * Remembers, in a file, which block of L1 the newest entries came from, so that a restart does not read the chain from its beginning.
 * A file that is missing or damaged only costs that.
 */
export class FeedMarks {
  readonly #path: string;
  #marks: Mark[];

  constructor(path: string) {
    this.#path = path;
    this.#marks = readMarks(path);
  }

  /** Notes entries that were handed over, in order. */
  async note(entries: readonly { readonly index: number; readonly blockNumber: number }[]): Promise<void> {
    let isNew = false;
    for (const { index, blockNumber: block } of entries) {
      if (this.#marks.at(-1)?.block === block) continue;
      this.#marks = [...this.#marks.filter((mark) => mark.index < index), { index, block }].slice(-KEPT);
      isNew = true;
    }
    if (isNew) await writeFileAtomic(this.#path, JSON.stringify(this.#marks));
  }

  /** A block that entry `next` does not lie before; undefined when nothing is known of it. */
  resumeBlock(next: number): number | undefined {
    const mark = this.#marks.findLast(({ index }) => index <= next);
    return mark === undefined ? undefined : Math.max(0, mark.block - MARGIN_BLOCKS);
  }
}

function readMarks(path: string): Mark[] {
  try {
    const marks = JSON.parse(readFileSync(path, "utf8")) as Mark[];
    const isSound = Array.isArray(marks) && marks.every(({ index, block }, i) => Number.isSafeInteger(index) && Number.isSafeInteger(block) && index > (marks[i - 1]?.index ?? -1));
    return isSound ? marks : [];
  } catch {
    return []; // not there yet, or torn: everything is read again
  }
}
