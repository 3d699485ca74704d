import { open, readFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

import { fromHex, toHex } from "../../../../core/codec/hex.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import type { RouteJournal } from "./RouteLink.ts";

const LINE = /^0x[0-9a-f]{64}$/;

/** Preimages in a file, one a line. A line that a crash has cut is left out: nobody was told of it. */
export class FileRouteJournal implements RouteJournal {
  readonly #file: FileHandle;
  readonly #preimages = new Map<string, Uint8Array>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, preimages: readonly Uint8Array[]) {
    this.#file = file;
    for (const preimage of preimages) this.#preimages.set(toHex(keccak256(preimage)), preimage);
  }

  static async open(path: string): Promise<FileRouteJournal> {
    const file = await open(path, "a", 0o600);
    const lines = (await readFile(path, "utf8")).split("\n");
    // What a crash has cut must not run into the next line.
    if (lines.at(-1) !== "") await file.appendFile("\n");
    return new FileRouteJournal(file, lines.filter((line) => LINE.test(line)).map((line) => fromHex(line, 32)));
  }

  get(hashlock: Uint8Array): Uint8Array | undefined {
    return this.#preimages.get(toHex(hashlock));
  }

  async put(hashlock: Uint8Array, preimage: Uint8Array): Promise<void> {
    const name = toHex(hashlock);
    if (this.#preimages.has(name)) return this.#writing;
    const write = this.#writing.then(async () => {
      await this.#file.appendFile(`${toHex(preimage)}\n`);
      await this.#file.datasync();
    });
    this.#writing = write;
    await write;
    this.#preimages.set(name, preimage);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
