import { AbstractSigner, TypedDataEncoder, toQuantity } from "ethers";
import type { Provider, TransactionRequest, TypedDataDomain, TypedDataField } from "ethers";

import type { KeySigner, TransactionToSign, TypedData } from "../../runtime/keystore/KeySigner.ts";
import { sdkError } from "../../sdk/SdkError.ts";

function quantity(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : toQuantity(value as bigint);
}

/** An external signer as an ethers account: it signs, and what it signed is sent through the provider that is used for everything else. */
export class ExternalAccount extends AbstractSigner {
  readonly #key: KeySigner;

  constructor(key: KeySigner, provider: Provider | null) {
    super(provider ?? undefined);
    this.#key = key;
  }

  override async getAddress(): Promise<string> {
    return this.#key.address;
  }

  override connect(provider: Provider | null): ExternalAccount {
    return new ExternalAccount(this.#key, provider);
  }

  override signMessage(): Promise<string> {
    return Promise.reject(sdkError("SDK_SIGNER", "external signers sign typed data and transactions only"));
  }

  override signTypedData(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, value: Record<string, unknown>): Promise<string> {
    const primaryType = TypedDataEncoder.from(types).primaryType;
    const plain = JSON.parse(JSON.stringify(value, (_name, each: unknown) => (typeof each === "bigint" ? each.toString() : each))) as TypedData["message"];
    return this.#key.signTypedData({ domain: { ...domain }, types, primaryType, message: plain });
  }

  override signTransaction(transaction: TransactionRequest): Promise<string> {
    const { to, data, value, maxFeePerGas, maxPriorityFeePerGas, gasPrice } = transaction;
    const fields = {
      chainId: quantity(transaction.chainId), nonce: quantity(transaction.nonce), gas: quantity(transaction.gasLimit), to: typeof to === "string" ? to : undefined, value: quantity(value),
      data: data ?? undefined, maxFeePerGas: quantity(maxFeePerGas), maxPriorityFeePerGas: quantity(maxPriorityFeePerGas), gasPrice: quantity(gasPrice),
    };
    return this.#key.signTransaction(Object.fromEntries(Object.entries(fields).filter(([, each]) => each !== undefined)) as unknown as TransactionToSign);
  }
}
