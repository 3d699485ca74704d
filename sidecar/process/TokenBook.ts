import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { getAddress } from "ethers";
import type { Provider } from "ethers";
import { z } from "zod";

import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import { tokenOnL1 } from "../../sdk/index.ts";
import type { Token } from "../../sdk/index.ts";

const FILE = "tokens.json";
const shape = z.record(z.string(), z.strictObject({ decimals: z.int().min(0).max(255), symbol: z.string() }));

/** How amounts of tokens are written, as the tokens said: asked once, and kept, so that a later start needs no L1. */
export class TokenBook {
  readonly #path: string;
  readonly #provider: Provider;
  readonly #known: Map<string, Token>;

  private constructor(path: string, provider: Provider, known: Map<string, Token>) {
    [this.#path, this.#provider, this.#known] = [path, provider, known];
  }

  static async open(dataDir: string, chainId: number, provider: Provider): Promise<TokenBook> {
    const path = join(dataDir, `${chainId}-${FILE}`);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "{}";
      throw error;
    });
    return new TokenBook(path, provider, new Map(Object.entries(shape.parse(JSON.parse(text)))));
  }

  get(token: string): Token | undefined {
    return this.#known.get(getAddress(token));
  }

  /** @throws the L1's error for an address that is no token, or an L1 that is away */
  async learn(tokens: readonly string[]): Promise<void> {
    const unknown = tokens.map((token) => getAddress(token)).filter((token) => !this.#known.has(token));
    if (unknown.length === 0) return;
    for (const token of unknown) this.#known.set(token, await tokenOnL1(this.#provider, token));
    await writeFileAtomic(this.#path, `${JSON.stringify(Object.fromEntries(this.#known))}\n`);
  }
}
