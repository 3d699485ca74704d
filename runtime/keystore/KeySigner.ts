/** An EIP-712 message, as `eth_signTypedData_v4` takes it; integers as decimal texts. */
export interface TypedData {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** A transaction to be signed; quantities as 0x-hexadecimal texts, as JSON-RPC has them. */
export interface TransactionToSign {
  readonly chainId: string;
  readonly nonce: string;
  readonly gas: string;
  readonly to?: string;
  readonly value?: string;
  readonly data?: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly gasPrice?: string;
}

/** A key that signs, wherever it is kept. */
export interface KeySigner {
  readonly kind: "local" | "external";
  /** Checksummed address. */
  readonly address: string;
  /** 65 bytes r‖s‖v as 0x-hexadecimal text. */
  signTypedData(data: TypedData): Promise<string>;
  /** The raw signed transaction, ready to be sent. */
  signTransaction(transaction: TransactionToSign): Promise<string>;
}

/** A key in this process: signs bare digests too, at full speed. External signers refuse bare digests, rightly. */
export interface LocalKeySigner extends KeySigner {
  readonly kind: "local";
  /** 64 bytes, EIP-2098. */
  signDigest(digest32: Uint8Array): Uint8Array;
}
