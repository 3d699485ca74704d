import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { ChannelConfig } from "../../../core/channel/index.ts";
import { channelIdOf } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { sdkError } from "../../SdkError.ts";
import type { Reference } from "../../operations.ts";

/** What an agent knows of a channel besides its engine's store. */
export interface BookEntry {
  readonly channelId: string;
  readonly config: ChannelConfig;
  /** Where the other side listens; undefined when it is the one that calls. */
  readonly peerAddress: string | undefined;
  /** The CHANNEL leaf, for a channel that is at home in Layer Core, also after its export. */
  readonly leaf: Reference | undefined;
  /** A cooperative close that both have signed and that may not be on chain yet. */
  readonly close: SignedClose | undefined;
  /** It is closed and paid out: kept for the record. */
  readonly isSettled?: boolean | undefined;
}

export interface SignedClose {
  readonly paidByA: number;
  readonly paidByB: number;
  /** Of A and B, 64 bytes each as hex. */
  readonly signatures: readonly [string, string];
}

const address = z.string().regex(/^0x[0-9a-f]{40}$/);
const file = z.array(
  z.object({
    home: z.union([z.literal(0), z.literal(1)]),
    partyA: address, partyB: address, asset: address,
    unit: z.int(), windowSeconds: z.int(), flags: z.int(), salt: z.int(),
    peerAddress: z.string().optional(),
    leaf: z.object({ slot: z.int(), id: z.int() }).optional(),
    close: z.object({ paidByA: z.int(), paidByB: z.int(), signatures: z.tuple([z.string(), z.string()]) }).optional(),
    isSettled: z.boolean().optional(),
  }),
);

/** The list of an agent's channels, in one small file that is written whole. Losing it loses no money: the chain and the other side know them too. */
export class ChannelBook {
  readonly #dir: string;
  readonly #entries = new Map<string, BookEntry>();
  #writing: Promise<void> = Promise.resolve();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** @throws SdkError `SDK_INPUT` when the file is no such list */
  static async open(dir: string): Promise<ChannelBook> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const book = new ChannelBook(dir);
    const path = join(dir, "channels.json");
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "[]" : Promise.reject(error)));
    let parsed: z.output<typeof file>;
    try {
      parsed = file.parse(JSON.parse(text));
    } catch (error) {
      throw sdkError("SDK_INPUT", `${path} is no list of channels: ${error instanceof Error ? error.message : String(error)}`, { path }, error);
    }
    for (const { peerAddress, leaf, close, isSettled, ...fields } of parsed) {
      const config: ChannelConfig = { ...fields, partyA: fromHex(fields.partyA), partyB: fromHex(fields.partyB), asset: fromHex(fields.asset) };
      const channelId = toHex(channelIdOf(config));
      book.#entries.set(channelId, { channelId, config, peerAddress, leaf, close, isSettled });
    }
    return book;
  }

  list(): readonly BookEntry[] {
    return [...this.#entries.values()];
  }

  /** By its id, or by the first digits of one. @throws SdkError `SDK_INPUT` for none, or several */
  find(idOrStart: string): BookEntry {
    const found = this.list().filter(({ channelId }) => channelId.startsWith(idOrStart.toLowerCase()));
    if (found.length === 1) return found[0]!;
    throw sdkError("SDK_INPUT", found.length === 0 ? `no channel ${idOrStart} is known here` : `${found.length} channels begin with ${idOrStart}`, { channel: idOrStart });
  }

  /** Adds or replaces an entry; resolves when it is on disk. */
  async put(entry: BookEntry): Promise<void> {
    this.#entries.set(entry.channelId, entry);
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const rows = this.list().map(({ config, peerAddress, leaf, close, isSettled }) => ({ ...config, partyA: toHex(config.partyA), partyB: toHex(config.partyB), asset: toHex(config.asset), peerAddress, leaf, close, isSettled }));
    const draft = join(this.#dir, "channels.json.new");
    const handle = await open(draft, "w", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(rows, undefined, 1)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, join(this.#dir, "channels.json"));
  }
}
