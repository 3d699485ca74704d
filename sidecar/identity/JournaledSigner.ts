import { AbstractSigner, Transaction } from "ethers";
import type { Provider, Signer, TransactionReceipt, TransactionRequest, TransactionResponse, TypedDataDomain, TypedDataField } from "ethers";

import { toError } from "../../runtime/errors/CodedError.ts";
import { IdentityError } from "./IdentityError.ts";
import type { IdentityJournal } from "./IdentityJournal.ts";

const POLL_MS = 500;
const RESEND_MS = 15_000;
/** A transaction that waits longer is told about; it is still the only one that is sent. */
const PATIENCE_MS = 180_000;

/**
 * Sends the transactions of one step. Each is signed, written to the journal and only then sent; after a crash the very same bytes are sent
 * again, so that nothing happens twice, whatever the node knows of it.
 */
export class JournaledSigner extends AbstractSigner<Provider> {
  readonly #signer: Signer;
  readonly #journal: IdentityJournal;
  readonly #step: string;
  #onPoint: ((point: string) => Promise<void> | void) | undefined;

  /** @param signer with a provider; it must be able to sign without sending */
  constructor(signer: Signer, provider: Provider, journal: IdentityJournal, step: string) {
    super(provider);
    [this.#signer, this.#journal, this.#step] = [signer, journal, step];
  }

  /** Tells of the moments around the sending, for tests. */
  withPoints(onPoint: (point: string) => Promise<void> | void): this {
    this.#onPoint = onPoint;
    return this;
  }

  override getAddress(): Promise<string> {
    return this.#signer.getAddress();
  }

  override connect(provider: Provider | null): JournaledSigner {
    return provider === null ? this : new JournaledSigner(this.#signer.connect(provider), provider, this.#journal, this.#step);
  }

  override signMessage(message: string | Uint8Array): Promise<string> {
    return this.#signer.signMessage(message);
  }

  override signTypedData(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, value: Record<string, unknown>): Promise<string> {
    return this.#signer.signTypedData(domain, types, value);
  }

  override signTransaction(transaction: TransactionRequest): Promise<string> {
    return this.#signer.signTransaction(transaction);
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    const { from: _from, ...populated } = await this.#signer.populateTransaction(request);
    const raw = await this.#signer.signTransaction(populated);
    const { hash, nonce, to } = Transaction.from(raw);
    await this.#onPoint?.(`${this.#step}:signed`);
    await this.#journal.setPending(this.#step, { hash: hash!, raw, nonce, to: (to ?? "").toLowerCase() });
    await this.#onPoint?.(`${this.#step}:written`);
    const sent = await this.provider.broadcastTransaction(raw);
    await this.#onPoint?.(`${this.#step}:sent`);
    return sent;
  }
}

function isKnown(error: unknown): boolean {
  return /already known|already imported|known transaction|nonce too low|nonce has already been used|ALREADY_EXISTS|NONCE_EXPIRED/i.test(`${toError(error).message} ${String((error as { code?: unknown }).code)}`);
}

/**
 * Ends what an earlier run of a step has begun: waits until its transaction is mined, sending the same bytes again where needed.
 * @returns its receipt; undefined when there was none, or another transaction has taken its nonce
 * @throws IdentityError `identity/reverted`, `identity/waiting`
 */
export async function settlePending(journal: IdentityJournal, provider: Provider, step: string, signal: AbortSignal): Promise<TransactionReceipt | undefined> {
  const pending = journal.pending(step);
  if (pending === undefined) return undefined;
  const address = Transaction.from(pending.raw).from!;
  let sentAtMs = 0;
  for (const endMs = Date.now() + PATIENCE_MS; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    signal.throwIfAborted();
    // Nonce first: a receipt that is not there after the nonce was used will never come.
    const used = await provider.getTransactionCount(address, "latest");
    const receipt = await provider.getTransactionReceipt(pending.hash);
    if (receipt !== null) {
      if (receipt.status !== 1) {
        await journal.settle(step);
        throw new IdentityError("identity/reverted", { step, transactionHash: pending.hash });
      }
      return receipt;
    }
    if (used > pending.nonce) {
      await journal.settle(step);
      return undefined;
    }
    if (Date.now() - sentAtMs > RESEND_MS) {
      sentAtMs = Date.now();
      await provider.broadcastTransaction(pending.raw).catch((error: unknown) => {
        if (!isKnown(error)) throw error;
      });
    }
    if (Date.now() > endMs) throw new IdentityError("identity/waiting", { step, seconds: PATIENCE_MS / 1000 });
  }
}
