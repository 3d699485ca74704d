import { existsSync, readFileSync } from "node:fs";

import { headDigest } from "../../../core/codec/heads.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import type { Equivocation, SeenHead } from "../../../core/dispute/findEquivocations.ts";
import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";

const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** About 40 MB. The oldest go first: a contradiction is reported when its second half comes. */
const MAX_HEADS = 100_000;

/** A head as it travels: numbers, and 0x-hexadecimal. */
export interface TravellingHead {
  readonly slot: number;
  readonly position: number;
  readonly head: string;
  readonly signature: string;
}

export interface HeadBookOptions {
  /** Contradictions that were found survive here; heads do not. */
  readonly path: string;
  /** Of the chain's Inbox. */
  readonly domainSeparator: Uint8Array;
  /** Whether a key signs for an operator: nobody else's heads are kept. 0x-hexadecimal, lower case. */
  readonly isOperator: (signer: string) => boolean;
  readonly onFound: (found: Equivocation) => void;
}

const travelling = ({ slot, position, head, signature }: SeenHead): TravellingHead => ({ slot, position, head: toHex(head), signature: toHex(signature) });

/** @throws CoreError for what is no hexadecimal of the right length */
function parseHead({ slot, position, head, signature }: TravellingHead): SeenHead {
  return { slot, position, head: fromHex(head, HASH_BYTES), signature: fromHex(signature, SIGNATURE_BYTES) };
}

/** Heads that operators have signed, one for each slot and position, and the contradictions among them. */
export class HeadBook {
  readonly #options: HeadBookOptions;
  readonly #heads = new Map<string, SeenHead>();
  readonly #found = new Map<string, Equivocation>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: HeadBookOptions) {
    this.#options = options;
    if (!existsSync(options.path)) return;
    const kept = JSON.parse(readFileSync(options.path, "utf8")) as { signer: string; a: TravellingHead; b: TravellingHead }[];
    for (const { signer, a, b } of kept) this.#found.set(signer, { signer, a: parseHead(a), b: parseHead(b) });
  }

  get count(): number {
    return this.#heads.size;
  }

  /** The first contradiction of each signer. */
  get found(): readonly Equivocation[] {
    return [...this.#found.values()];
  }

  /**
   * Takes a head in. "foreign" is one that no operator has signed, or of slot 0, where nobody answers for it.
   * @throws CoreError for what is no head at all
   */
  add(travelling: TravellingHead): "new" | "known" | "contradiction" | "foreign" {
    const seen = parseHead(travelling);
    const { slot, position, head, signature } = seen;
    if (!Number.isSafeInteger(slot) || slot < 1 || !Number.isSafeInteger(position) || position < 0) return "foreign";
    const recovered = recoverAddress(headDigest(this.#options.domainSeparator, slot, position, head), signature);
    const signer = recovered === null ? undefined : toHex(recovered);
    if (signer === undefined || !this.#options.isOperator(signer)) return "foreign";
    const key = `${signer} ${slot} ${position}`;
    const before = this.#heads.get(key);
    if (before === undefined) {
      this.#heads.set(key, seen);
      if (this.#heads.size > MAX_HEADS) this.#heads.delete(this.#heads.keys().next().value!);
      return "new";
    }
    if (toHex(before.head) === toHex(head)) return "known";
    if (!this.#found.has(signer)) {
      const found = { signer, a: before, b: seen };
      this.#found.set(signer, found);
      this.#keep();
      this.#options.onFound(found);
    }
    return "contradiction";
  }

  /** Resolves when what was found is on disk. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #keep(): void {
    const content = JSON.stringify(this.found.map(({ signer, a, b }) => ({ signer, a: travelling(a), b: travelling(b) })));
    this.#writing = this.#writing.catch(() => undefined).then(() => writeFileAtomic(this.#options.path, content));
  }
}
