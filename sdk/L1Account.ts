import { Contract, isError } from "ethers";
import type { ContractTransactionReceipt, Provider, Signer } from "ethers";

import { connectAccountContracts, ROOT_ABIS } from "../chain/connectContracts.ts";
import type { AccountContracts } from "../chain/connectContracts.ts";
import { toChainError } from "../chain/decodeRevert.ts";
import { ignoreAbsence } from "./absence.ts";
import type { Agnt2Client } from "./Agnt2Client.ts";
import { buildForcedBundle } from "./buildBundle.ts";
import { chainUnitsToBase, toBaseUnits, toChainUnits } from "./amount.ts";
import type { Amount } from "./amount.ts";
import type { ChainConfig } from "./ChainConfig.ts";
import { SdkError, sdkError } from "./SdkError.ts";
import { numberField } from "./state.ts";
import type { Token } from "./trust.ts";
import type { ConfirmedProof } from "./stateProof.ts";
import { withGasMargin } from "./withGasMargin.ts";

const ERC20_ABI = ["function allowance(address,address) view returns (uint256)", "function approve(address,uint256) returns (bool)"];
const POLL_MS = 200;
/** How long a transaction may wait to be mined. */
const MINED_MS = 180_000;
/** How long a forced bundle is good for after its due time: a batch may lag a day, and L1 may be full. */
const FORCED_VALID_SECONDS = 7 * 86_400;

/** Base units of a token, or of ETH, that an address holds. */
export async function balanceOnL1(provider: Provider, owner: string, token: string | undefined): Promise<bigint> {
  if (token === undefined) return provider.getBalance(owner);
  const contract = new Contract(token, ["function balanceOf(address) view returns (uint256)"], provider);
  return (await contract.getFunction("balanceOf")(owner)) as bigint;
}

/** How amounts of a token are written, as the token itself says. */
export async function tokenOnL1(provider: Provider, token: string): Promise<Token> {
  const contract = new Contract(token, ["function decimals() view returns (uint8)", "function symbol() view returns (string)"], provider);
  const [decimals, symbol] = (await Promise.all([contract.getFunction("decimals")(), contract.getFunction("symbol")()])) as [bigint, string];
  return { decimals: Number(decimals), symbol };
}

export interface DepositResult {
  readonly transactionHash: string;
  /** Index of the deposit in the chain's inbox. */
  readonly entry: number;
  readonly units: number;
}

export interface WithdrawalResult {
  readonly transactionHash: string;
  readonly recipient: string;
  readonly amountBase: bigint;
  /** False when the recipient refused the payment, which then waits in the bridge. */
  readonly paid: boolean;
  readonly proof: ConfirmedProof;
}

export interface ForcedResult {
  readonly transactionHash: string;
  /** Index of the entry in the chain's inbox. */
  readonly entry: number;
  /** Unix seconds of L2 time from which on no batch may leave it out. */
  readonly dueTime: number;
  readonly feeWei: bigint;
}

/** Whose operations are forced. Default: as the sequencer or, when that is away, a replica tells. */
export interface ForcedAccount {
  readonly agent: number;
  readonly nonce: number;
}

/** The L1 side of an agent: pays in, and takes what is withdrawn by Merkle proof. */
export class L1Account {
  readonly #client: Agnt2Client;
  readonly #signer: Signer;
  readonly #config: ChainConfig;
  readonly #contracts: AccountContracts;

  private constructor(client: Agnt2Client, signer: Signer, config: ChainConfig) {
    this.#client = client;
    this.#signer = signer;
    this.#config = config;
    this.#contracts = connectAccountContracts(config.contracts, signer);
  }

  /**
   * @param signer an ethers signer with a provider of the chain's L1
   * @throws SdkError `SDK_WRONG_CHAIN` when that is another L1: money would go to addresses that are nothing there
   */
  static async connect(client: Agnt2Client, signer: Signer): Promise<L1Account> {
    const config = await client.config();
    const network = await signer.provider?.getNetwork();
    if (network !== undefined && network.chainId !== BigInt(config.domain.chainId)) {
      throw sdkError("SDK_WRONG_CHAIN", `the signer's L1 has id ${network.chainId}, the chain's ${config.domain.chainId}`, { chainId: String(network.chainId) });
    }
    return new L1Account(client, withGasMargin(signer), config);
  }

  async address(): Promise<string> {
    return (await this.#signer.getAddress()).toLowerCase();
  }

  /**
   * Pays into the bridge for `account` (default: the signer's own), which is opened on the chain if it is new.
   * @throws SdkError `SDK_AMOUNT`, ChainError
   */
  async deposit(amount: Amount, account?: string): Promise<DepositResult> {
    const { asset } = this.#config;
    const units = toChainUnits(amount, asset);
    const base = toBaseUnits(amount, asset);
    const { bridge } = this.#contracts;
    const receipt = await this.#send(async () => {
      const to = account ?? (await this.address());
      if (asset.address === undefined) return bridge.deposit(to, base, { value: base });
      const nonce = await this.#approve(asset.address, base);
      return bridge.deposit(to, base, nonce === undefined ? {} : { nonce });
    });
    const log = this.#parse(bridge.interface, receipt, "Deposited");
    return { transactionHash: receipt.hash, entry: Number(log["entry"]), units };
  }

  /** The signer's nonce after the approval, which providers that keep answers for a moment do not know yet; undefined if none was needed. */
  async #approve(token: string, base: bigint): Promise<number | undefined> {
    const { bridge } = this.#config.contracts;
    const contract = new Contract(token, ERC20_ABI, this.#signer);
    const allowance = (await contract.getFunction("allowance")(await this.address(), bridge)) as bigint;
    if (allowance >= base) return undefined;
    const sent = (await contract.getFunction("approve")(bridge, base)) as { nonce: number; wait(confirmations: number, timeoutMs: number): Promise<unknown> };
    await sent.wait(1, MINED_MS);
    return sent.nonce + 1;
  }

  /**
   * Sends operations through L1, past whoever sequences: the owner's transaction stands for its signature. They are executed by the first
   * batch whose L2 time is the due time or later, if not before; that is at most the inclusion delay plus 24 h (`Inbox.MAX_LAG_SECONDS`).
   * @param records 96-byte records, 1 to 63
   * @throws SdkError `SDK_INPUT`, `SDK_NO_ACCOUNT`; ChainError (`ForcedFee`, …)
   */
  async force(records: readonly Uint8Array[], account?: ForcedAccount): Promise<ForcedResult> {
    const { inbox } = this.#contracts;
    const { agent, nonce } = account ?? (await this.#ownAccount());
    const { inclusionDelaySeconds } = await this.#read(() => inbox.config());
    const validUntil = Math.ceil(Date.now() / 1000) + Number(inclusionDelaySeconds) + FORCED_VALID_SECONDS;
    const slots = buildForcedBundle({ agent, nonce, validUntil, records });
    // The fee grows with what waits; what is sent above it comes back.
    const feeWei = await this.#read(() => inbox.forcedFee(1 + records.length));
    const receipt = await this.#send(() => inbox.force(slots, { value: feeWei * 2n }));
    const log = this.#parse(inbox.interface, receipt, "EntryQueued");
    return { transactionHash: receipt.hash, entry: Number(log["index"]), dueTime: Number(log["dueTime"]), feeWei };
  }

  async #ownAccount(): Promise<ForcedAccount> {
    const address = await this.address();
    const account = await this.#client.account(address);
    if (account === undefined) throw sdkError("SDK_NO_ACCOUNT", address, { address });
    return { agent: account.index, nonce: account.nonce };
  }

  /**
   * Waits until the chain has credited a deposit.
   * @throws SdkError `SDK_TIMEOUT`
   */
  async credited(deposit: DepositResult, timeoutMs = 60_000): Promise<void> {
    await this.#until(`deposit ${deposit.entry} is not credited`, timeoutMs, async () => {
      const status = await ignoreAbsence(this.#client.status());
      return status !== undefined && numberField(status, "inboxCursor") > deposit.entry;
    });
  }

  /**
   * Waits until a batch on L1 has consumed a forced entry.
   * @throws SdkError `SDK_TIMEOUT`
   */
  async consumed(forced: ForcedResult, timeoutMs: number): Promise<void> {
    await this.#until(`entry ${forced.entry} is in no batch`, timeoutMs, async () => (await this.#read(() => this.#contracts.inbox.consumedCount())) > BigInt(forced.entry));
  }

  async #until(what: string, timeoutMs: number, isDone: () => Promise<boolean>): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (!(await isDone())) {
      if (Date.now() > until) throw sdkError("SDK_TIMEOUT", `${what} after ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * Waits until a withdrawal is in a confirmed state, then has the bridge pay it.
   * @param index the `id` in the result of `Agent.withdraw`
   * @throws SdkError `SDK_TIMEOUT`, `SDK_BAD_PROOF` when L1 has confirmed another state; ChainError (`AlreadyWithdrawn`, …)
   */
  async claimWithdrawal(index: number, timeoutMs = 120_000): Promise<WithdrawalResult> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const proof = await ignoreAbsence(this.#client.withdrawalProof(index));
      if (proof !== undefined && (await this.#isPayable(proof))) return this.#withdraw(proof);
      if (Date.now() > until) throw sdkError("SDK_TIMEOUT", `withdrawal ${index} is in no confirmed state after ${timeoutMs / 1000} s`, { index });
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Whether the payout delay after the confirmation has passed, by the L1's clock. */
  async #isPayable(proof: ConfirmedProof): Promise<boolean> {
    const [stateRoot, confirmedAt] = await this.#read(() => this.#contracts.settlement.confirmedState(proof.claimId));
    // Not there yet for this endpoint of L1, which may be behind the replica's.
    if (Number(confirmedAt) === 0) return false;
    if (stateRoot.toLowerCase() !== proof.stateRoot) throw sdkError("SDK_BAD_PROOF", `claim ${proof.claimId} is confirmed with the state ${stateRoot}, the proof is of ${proof.stateRoot}`, { index: proof.index });
    const { payoutDelaySeconds } = await this.#read(() => this.#contracts.bridge.config());
    // The next block is not older than either: a local L1's clock may run ahead.
    const latest = await this.#signer.provider?.getBlock("latest");
    return Number(confirmedAt) + Number(payoutDelaySeconds) < Math.max(Date.now() / 1000, latest?.timestamp ?? 0);
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw toChainError(error, ROOT_ABIS);
    }
  }

  async #withdraw(proof: ConfirmedProof): Promise<WithdrawalResult> {
    const { bridge } = this.#contracts;
    const leaf = proof.leaf as [string, string, string, string];
    const receipt = await this.#send(() => bridge.withdraw(proof.index, leaf, [...proof.siblings], proof.claimId));
    const log = this.#parse(bridge.interface, receipt, "Withdrawn");
    return { transactionHash: receipt.hash, recipient: String(log["recipient"]), amountBase: BigInt(log["amount"] as bigint), paid: Boolean(log["paid"]), proof };
  }

  /** Base units that the signer holds of the chain's asset on L1. */
  async balance(): Promise<bigint> {
    if (this.#signer.provider === null) throw sdkError("SDK_NO_SIGNER", "the signer has no provider");
    return balanceOnL1(this.#signer.provider, await this.address(), this.#config.asset.address);
  }

  /** Base units of so many units of the chain. */
  toBase(units: number): bigint {
    return chainUnitsToBase(units, this.#config.asset);
  }

  async #send(send: () => Promise<{ hash: string; wait(confirmations?: number, timeoutMs?: number): Promise<ContractTransactionReceipt | null> }>): Promise<ContractTransactionReceipt> {
    if (this.#signer.provider === null) throw sdkError("SDK_NO_SIGNER", "the signer has no provider");
    try {
      const sent = await send();
      const receipt = await sent.wait(1, MINED_MS).catch((error: unknown) => {
        if (isError(error, "TIMEOUT")) return null;
        throw error;
      });
      if (receipt === null) throw sdkError("SDK_TIMEOUT", `the transaction ${sent.hash} is not mined after ${MINED_MS / 1000} s; it may still be`, { transactionHash: sent.hash });
      return receipt;
    } catch (error) {
      throw error instanceof SdkError ? error : toChainError(error, ROOT_ABIS);
    }
  }

  #parse(contract: { parseLog: AccountContracts["bridge"]["interface"]["parseLog"] }, receipt: ContractTransactionReceipt, event: string): Record<string, unknown> {
    for (const log of receipt.logs) {
      const parsed = contract.parseLog(log);
      if (parsed?.name === event) return parsed.args.toObject() as Record<string, unknown>;
    }
    throw sdkError("SDK_RESPONSE", `the transaction ${receipt.hash} has no ${event} event`);
  }
}
