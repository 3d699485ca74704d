import { AbstractSigner } from "ethers";
import type { Provider, Signer, TransactionRequest, TransactionResponse, TypedDataDomain, TypedDataField } from "ethers";

/** EIP-7825: no transaction may have more. */
const MAX_TRANSACTION_GAS = 1n << 24n;
/**
 * Two processes with one key may take the same nonce for the same call. With the same gas it would be one transaction, and each would
 * believe it its own; with another, the node refuses the second, which takes the next nonce.
 */
const OWN_GAS = 1_000;

/**
 * Offers a quarter more gas than the estimate. Between an estimate and its block time goes on, and a call may cost more then: the first
 * batch of a slot, the first claim of a round. What is not used is not paid.
 */
class MarginSigner extends AbstractSigner {
  readonly #inner: Signer;

  constructor(inner: Signer) {
    super(inner.provider ?? undefined);
    this.#inner = inner;
  }

  override async estimateGas(request: TransactionRequest): Promise<bigint> {
    const estimate = await this.#inner.estimateGas(request);
    const padded = (estimate * 5n) / 4n;
    return padded < MAX_TRANSACTION_GAS ? padded : estimate > MAX_TRANSACTION_GAS ? estimate : MAX_TRANSACTION_GAS;
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    return await this.#inner.sendTransaction({ ...request, gasLimit: request.gasLimit ?? (await this.estimateGas(request)) - BigInt(Math.floor(Math.random() * OWN_GAS)) });
  }

  override connect(provider: Provider | null): Signer {
    return new MarginSigner(this.#inner.connect(provider));
  }

  override getAddress(): Promise<string> {
    return this.#inner.getAddress();
  }

  override getNonce(blockTag?: Parameters<Signer["getNonce"]>[0]): Promise<number> {
    return this.#inner.getNonce(blockTag);
  }

  override signTransaction(request: TransactionRequest): Promise<string> {
    return this.#inner.signTransaction(request);
  }

  override signMessage(message: string | Uint8Array): Promise<string> {
    return this.#inner.signMessage(message);
  }

  override signTypedData(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, value: Record<string, unknown>): Promise<string> {
    return this.#inner.signTypedData(domain, types, value);
  }
}

/** The same signer, whose transactions bring a quarter more gas than estimated. */
export function withGasMargin(signer: Signer): Signer {
  return signer instanceof MarginSigner ? signer : new MarginSigner(signer);
}
