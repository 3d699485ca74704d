import { Contract, isError } from "ethers";
import type { Interface, InterfaceAbi, Provider, Signer, TransactionReceipt } from "ethers";

import { ChainError } from "../chain/ChainError.ts";
import { toChainError } from "../chain/decodeRevert.ts";
import { nextBlockSeconds } from "../chain/nextBlockSeconds.ts";
import { SdkError, sdkError } from "./SdkError.ts";
import { withGasMargin } from "./withGasMargin.ts";

/** How long a transaction may wait to be mined. */
const MINED_MS = 180_000;
/** Longer than ethers keeps answers. */
const NONCE_PAUSE_MS = 300;
const NONCE_TRIES = 5;
/** ETH, where a token's address is asked for. */
export const NO_TOKEN = `0x${"0".repeat(40)}`;
const ERC20_ABI = [
  "function allowance(address,address) view returns (uint256)", "function approve(address,uint256) returns (bool)",
  "function balanceOf(address) view returns (uint256)",
];

/** What sending a transaction answers, of any contract client. */
export interface SentTransaction {
  readonly hash: string;
  wait(confirmations?: number, timeoutMs?: number): Promise<TransactionReceipt | null>;
}

/** Calls and transactions of one signer, with reverts as typed errors. */
export class L1Sender {
  readonly signer: Signer;
  readonly #abis: readonly InterfaceAbi[];

  /** @param abis whose errors are known */
  constructor(signer: Signer, abis: readonly InterfaceAbi[]) {
    [this.signer, this.#abis] = [withGasMargin(signer), abis];
  }

  /** @throws SdkError `SDK_NO_SIGNER` */
  get provider(): Provider {
    if (this.signer.provider === null) throw sdkError("SDK_NO_SIGNER", "the signer has no provider");
    return this.signer.provider;
  }

  /** Address that pays for the transactions, lower case. */
  async address(): Promise<string> {
    return (await this.signer.getAddress()).toLowerCase();
  }

  /** Unix seconds of the block that would be mined now. @throws ChainError */
  async now(): Promise<number> {
    return this.read(() => nextBlockSeconds(this.provider));
  }

  /** @throws ChainError */
  async read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof SdkError || error instanceof ChainError ? error : toChainError(error, this.#abis);
    }
  }

  /** Resolves when it is mined. @throws ChainError with the contract's error; SdkError `SDK_TIMEOUT` */
  async send(send: () => Promise<SentTransaction>): Promise<TransactionReceipt> {
    return this.read(async () => {
      const sent = await this.#sendFresh(send);
      const receipt = await sent.wait(1, MINED_MS).catch((error: unknown) => (isError(error, "TIMEOUT") ? null : Promise.reject(error as Error)));
      if (receipt === null) throw sdkError("SDK_TIMEOUT", `the transaction ${sent.hash} is not mined after ${MINED_MS / 1000} s; it may still be`, { transactionHash: sent.hash });
      return receipt;
    });
  }

  /**
   * Providers keep answers for a moment, and the account may have other senders: a nonce that was taken meanwhile is asked for again.
   * What a node refused for its nonce was not sent.
   */
  async #sendFresh(send: () => Promise<SentTransaction>): Promise<SentTransaction> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await send();
      } catch (error) {
        const isTaken = isError(error, "NONCE_EXPIRED") || isError(error, "REPLACEMENT_UNDERPRICED");
        if (!isTaken || tries === NONCE_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, NONCE_PAUSE_MS));
      }
    }
  }

  /** The arguments of the first such event of a transaction. @throws SdkError `SDK_RESPONSE` */
  event(receipt: TransactionReceipt, contract: Interface, name: string): Record<string, unknown> {
    for (const log of receipt.logs) {
      const parsed = contract.parseLog(log);
      if (parsed?.name === name) return parsed.args.toObject() as Record<string, unknown>;
    }
    throw sdkError("SDK_RESPONSE", `the transaction ${receipt.hash} has no ${name} event`);
  }

  /**
   * Options with which a payable call brings so much: the value for ETH; for a token it is approved first where that is needed, and the
   * nonce is named, since providers that keep answers for a moment do not know the next one yet.
   */
  async bring(token: string, amountBase: bigint, spender: string): Promise<{ readonly value?: bigint; readonly nonce?: number }> {
    if (token.toLowerCase() === NO_TOKEN) return { value: amountBase };
    if (amountBase === 0n) return {};
    const contract = new Contract(token, ERC20_ABI, this.signer);
    if (((await contract.getFunction("allowance")(await this.address(), spender)) as bigint) >= amountBase) return {};
    const sent = (await contract.getFunction("approve")(spender, amountBase)) as SentTransaction & { readonly nonce: number };
    await sent.wait(1, MINED_MS);
    return { nonce: sent.nonce + 1 };
  }

  /** Base units of a token, or of ETH, that the signer holds. */
  async balance(token: string): Promise<bigint> {
    const owner = await this.address();
    if (token.toLowerCase() === NO_TOKEN) return this.read(() => this.provider.getBalance(owner));
    return this.read(async () => (await new Contract(token, ERC20_ABI, this.provider).getFunction("balanceOf")(owner)) as bigint);
  }
}
