import { z } from "zod";

import { createSealSecret, isSealKeyOf, publicPartOf, signSealKey } from "../../sdk/index.ts";
import type { SealSecret, SignedSealKey, StatementSigner } from "../../sdk/index.ts";
import { readSealedFile, writeSealedFile } from "../identity/sealedFile.ts";

export interface SealKeyringOptions {
  /** Written encrypted with the password. */
  readonly file: string;
  readonly password: string;
  /** Whose keys they are. */
  readonly address: string;
  readonly chainId: number;
  /** Of that address. */
  readonly signer: StatementSigner;
  /** How long a key is good. Default 30 days. */
  readonly lifeSeconds?: number;
  /** How long before its end the next one is made. Default 3 days: longer than anybody keeps a card. */
  readonly overlapSeconds?: number;
  /** How long after its end it still opens what was sealed to it. Default 1 hour. */
  readonly graceSeconds?: number;
  /** Unix seconds. */
  readonly nowSeconds?: () => number;
}

interface OwnKey extends SealSecret, SignedSealKey {}

const DAY = 86_400;
/** A card holds so many; more would mean that the clock jumps about. */
const MAX_KEYS = 4;
const keyShape = z.strictObject({ keyId: z.string(), publicKey: z.string(), privateKey: z.string(), notBefore: z.number(), notAfter: z.number(), signature: z.string() });

/** The agent's seal keys: one of now and, while they change, the next one; made, signed, kept encrypted and forgotten in time. */
export class SealKeyring {
  readonly #options: Required<SealKeyringOptions>;
  #keys: readonly OwnKey[] = [];

  private constructor(options: SealKeyringOptions) {
    this.#options = { lifeSeconds: 30 * DAY, overlapSeconds: 3 * DAY, graceSeconds: 3_600, nowSeconds: () => Math.floor(Date.now() / 1_000), ...options };
  }

  /**
   * Reads the keys, or makes the first.
   * @throws IdentityError `identity/key` for another password or a broken file; what the signer throws
   */
  static async open(options: SealKeyringOptions): Promise<SealKeyring> {
    const keyring = new SealKeyring(options);
    const text = await readSealedFile(options.file, options.password);
    // Keys of another address or chain, left by an earlier set-up, are of no use.
    if (text !== undefined) keyring.#keys = z.array(keyShape).parse(JSON.parse(text)).filter((key) => isSealKeyOf(options, key));
    await keyring.renew();
    return keyring;
  }

  /** For the card. */
  get published(): SignedSealKey[] {
    const now = this.#options.nowSeconds();
    return this.#keys.filter(({ notAfter }) => now < notAfter).map(({ privateKey: _privateKey, ...key }) => key);
  }

  /** What still opens. */
  get secrets(): readonly SealSecret[] {
    const { nowSeconds, graceSeconds } = this.#options;
    return this.#keys.filter(({ notAfter }) => nowSeconds() < notAfter + graceSeconds);
  }

  /**
   * Makes the next key when the last one ends soon, and forgets those that have ended. To be called from time to time; the file is written
   * before a new key is shown.
   * @returns whether the published keys have changed
   */
  async renew(): Promise<boolean> {
    const { nowSeconds, lifeSeconds, overlapSeconds, signer, address, chainId, file, password } = this.#options;
    const now = nowSeconds();
    const kept = this.secrets as readonly OwnKey[];
    const isNeeded = !kept.some(({ notBefore, notAfter }) => notBefore <= now && now < notAfter - overlapSeconds);
    if (!isNeeded && kept.length === this.#keys.length) return false;
    const made = isNeeded ? await createSealSecret(now, now + lifeSeconds) : undefined;
    const signed = made === undefined ? [] : [{ ...made, ...(await signSealKey(signer, { address, chainId }, publicPartOf(made))) }];
    const keys = [...signed, ...kept].slice(0, MAX_KEYS);
    await writeSealedFile(file, JSON.stringify(keys), password);
    this.#keys = keys;
    return isNeeded;
  }
}
