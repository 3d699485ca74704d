import { BaseWallet, getBytes, hexlify, keccak256 } from "ethers";
import type { Signer } from "ethers";

import { encodeTransaction } from "./encodeTransaction.ts";
import type { SignedTransaction, UnsignedTransaction } from "./encodeTransaction.ts";

/** A key as services hold it: in this process (it signs bare digests) or behind another program (it does not). */
export interface TransactionKey {
  readonly address: string;
  /** 64 bytes, EIP-2098. */
  readonly signDigest?: (digest32: Uint8Array) => Uint8Array;
  /** Quantities as 0x-hexadecimal texts, as JSON-RPC has them; answers the raw signed transaction. */
  signTransaction(transaction: {
    readonly chainId: string;
    readonly nonce: string;
    readonly gas: string;
    readonly to: string;
    readonly value: string;
    readonly data: string;
    readonly maxFeePerGas: string;
    readonly maxPriorityFeePerGas: string;
  }): Promise<string>;
}

/** Signs transactions of one account. */
export interface TransactionSigner {
  address(): Promise<string>;
  sign(transaction: UnsignedTransaction): Promise<SignedTransaction>;
}

function quantity(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function isKey(signer: Signer | TransactionKey): signer is TransactionKey {
  return "address" in signer && typeof signer.address === "string" && !(signer instanceof BaseWallet);
}

/** The quickest way that the key allows. */
export function createTransactionSigner(signer: Signer | TransactionKey): TransactionSigner {
  if (signer instanceof BaseWallet) {
    const { address, signingKey } = signer;
    const sign = (digest32: Uint8Array): Uint8Array => getBytes(signingKey.sign(digest32).compactSerialized);
    return { address: () => Promise.resolve(address), sign: (transaction) => Promise.resolve(encodeTransaction(transaction, sign)) };
  }
  if (!isKey(signer)) return createEthersSigner(signer);
  const { signDigest } = signer;
  if (signDigest !== undefined) {
    return { address: () => Promise.resolve(signer.address), sign: (transaction) => Promise.resolve(encodeTransaction(transaction, signDigest)) };
  }
  return {
    address: () => Promise.resolve(signer.address),
    async sign({ chainId, nonce, gasLimit, to, valueWei, data, maxFeeWei, maxPriorityFeeWei }) {
      const fees = { maxFeePerGas: quantity(maxFeeWei), maxPriorityFeePerGas: quantity(maxPriorityFeeWei) };
      const raw = await signer.signTransaction({ chainId: quantity(chainId), nonce: quantity(nonce), gas: quantity(gasLimit), to, value: quantity(valueWei), data, ...fees });
      return { raw, hash: keccak256(raw) };
    },
  };
}

function createEthersSigner(signer: Signer): TransactionSigner {
  return {
    address: () => signer.getAddress(),
    async sign({ chainId, nonce, gasLimit, to, valueWei, data, maxFeeWei, maxPriorityFeeWei }) {
      const raw = hexlify(
        await signer.signTransaction({ type: 2, chainId, nonce, gasLimit, to, value: valueWei, data, maxFeePerGas: maxFeeWei, maxPriorityFeePerGas: maxPriorityFeeWei }),
      );
      return { raw, hash: keccak256(raw) };
    },
  };
}
