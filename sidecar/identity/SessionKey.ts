import { join } from "node:path";

import { hexlify } from "ethers";
import { randomBytes } from "node:crypto";

import { signDigest } from "../../runtime/crypto/secp.ts";
import type { Agent } from "../../sdk/Agent.ts";
import { toChainUnits } from "../../sdk/amount.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import type { BundleSigner } from "../../sdk/BundleSigner.ts";
import type { SidecarSettings } from "../config.ts";
import type { AccountSigner } from "./AccountSigner.ts";
import { openPassword } from "./openKey.ts";
import type { OwnAccount } from "./readOwnAccount.ts";
import { readSealedFile, writeSealedFile } from "./sealedFile.ts";

const FILE = "session.json";
const KEY_BYTES = 32;
/** Renewed when less than one in so many is left, of the time or of the amount. */
const RENEWED_AT = 4;

export interface SessionKeyOptions {
  readonly settings: SidecarSettings;
  readonly agent: Agent;
  readonly accountSigner: AccountSigner;
}

/** A key that signs the account's daily operations, up to an amount and a time; kept encrypted in the data folder. */
export class SessionKey {
  readonly #options: SessionKeyOptions;
  #key: Promise<string> | undefined;

  constructor(options: SessionKeyOptions) {
    this.#options = options;
  }

  /** The key in hex; made when there is none. @throws IdentityError `identity/key` */
  privateKey(): Promise<string> {
    this.#key ??= this.#open();
    return this.#key;
  }

  async #open(): Promise<string> {
    const { settings } = this.#options;
    const file = join(settings.dataDir, FILE);
    const password = await openPassword(settings, true);
    const known = await readSealedFile(file, password);
    if (known !== undefined) return known;
    const key = hexlify(randomBytes(KEY_BYTES));
    await writeSealedFile(file, key, password);
    return key;
  }

  async #signer(): Promise<BundleSigner> {
    return createKeySigner(await this.privateKey(), signDigest);
  }

  /** Whether the chain lets the key sign for long enough and enough; it is used from then on. */
  async isGood({ session }: OwnAccount): Promise<boolean> {
    const { settings, agent, accountSigner } = this.#options;
    const signer = await this.#signer();
    const leftSeconds = session === undefined || session.key.toLowerCase() !== signer.address ? 0 : session.expiry - agent.client.now();
    // An expired one would have its bundles refused: the owner signs until it is renewed.
    accountSigner.useSession(leftSeconds > 0 ? signer : undefined);
    const cap = toChainUnits(settings.sessionCap, agent.config.asset);
    return leftSeconds > settings.sessionSeconds / RENEWED_AT && session!.capUnits >= cap / RENEWED_AT;
  }

  /** SET_SESSION_KEY by the owner; the same key again, so that what it has signed stays good. */
  async renew(): Promise<void> {
    const { settings, agent, accountSigner } = this.#options;
    const signer = await this.#signer();
    await accountSigner.asOwner(() => agent.setSessionKey({ key: signer.address, cap: settings.sessionCap, seconds: settings.sessionSeconds }).durable);
    accountSigner.useSession(signer);
  }
}
