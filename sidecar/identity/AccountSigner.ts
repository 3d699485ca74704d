import type { BundleSigner } from "../../sdk/BundleSigner.ts";

/**
 * Signs an account's bundles with its session key where there is one, and with the owner's key for what only that may do. One signer for one
 * series of nonces: two would take each other's.
 */
export class AccountSigner implements BundleSigner {
  readonly address: string;
  readonly #owner: BundleSigner;
  #session: BundleSigner | undefined;
  #ownersTurns = 0;

  constructor(owner: BundleSigner) {
    [this.#owner, this.address] = [owner, owner.address];
  }

  useSession(session: BundleSigner | undefined): void {
    this.#session = session;
  }

  /** What is signed until `work` ends is signed by the owner. */
  async asOwner<T>(work: () => Promise<T>): Promise<T> {
    this.#ownersTurns += 1;
    try {
      return await work();
    } finally {
      this.#ownersTurns -= 1;
    }
  }

  signBundle(...given: Parameters<BundleSigner["signBundle"]>): ReturnType<BundleSigner["signBundle"]> {
    const signer = this.#ownersTurns > 0 ? this.#owner : (this.#session ?? this.#owner);
    return signer.signBundle(...given);
  }
}
