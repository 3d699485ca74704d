import type { Network, PaymentPayload, PaymentRequirements, SchemeNetworkFacilitator, SettleResponse, VerifyResponse } from "@x402/core/types";
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { getAddress, id as hashText, isAddress } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { toChainError } from "../../chain/decodeRevert.ts";
import { encodeTransfer, parseAuthorization } from "../../chain/tokens/Authorization.ts";
import type { SignedAuthorization } from "../../chain/tokens/Authorization.ts";
import { findAuthorization, isAuthorizationUsed, readBalance, readPayment } from "../../chain/tokens/findAuthorization.ts";
import type { AuthorizationFate } from "../../chain/tokens/findAuthorization.ts";
import type { Outcome } from "../../chain/transactions/intent.ts";
import type { TransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import { createL1Signer } from "./createL1Signer.ts";
import { FacilitatorError } from "./FacilitatorError.ts";
import { PayerShares } from "./PayerShares.ts";

export interface ExactLimits {
  /** Checksummed tokens. */
  readonly assets: readonly string[];
  /** Checksummed; empty: anyone. */
  readonly payees: readonly string[];
  readonly minAmount: bigint;
  /** 0 for no limit. */
  readonly payerPerHour: number;
  readonly maxPending: number;
  readonly settleMs: number;
  readonly maxGas: bigint;
  readonly maxFeeWei: bigint;
  readonly allowContracts: boolean;
}

export interface ExactOptions {
  readonly provider: JsonRpcApiProvider;
  readonly network: Network;
  /** Pays the gas. */
  readonly address: string;
  readonly transactions: Pick<TransactionManager, "submit" | "wait" | "find" | "turn">;
  /** Pause between two looks at what is under way. */
  readonly pollMs: number;
  readonly limits: ExactLimits;
  readonly clock: Clock;
  /** Least priority fee that transactions are sent with. */
  readonly minPriorityFeeWei: bigint;
}

/** Reasons beside those of the x402 packages. */
export const REASON = {
  network: "invalid_network",
  asset: "unsupported_asset",
  payload: "invalid_payload",
  payee: "unsupported_payee",
  amount: "amount_too_small",
  contract: "unsupported_payer",
  mismatch: "invalid_exact_evm_payload_authorization_value_mismatch",
  recipient: "invalid_exact_evm_recipient_mismatch",
  payerLimit: "payer_limit",
  fee: "gas_price_too_high",
  gas: "gas_limit_exceeded",
  used: "invalid_exact_evm_nonce_already_used",
  duplicate: "duplicate_settlement",
  pending: "settlement_pending",
  funds: "invalid_exact_evm_insufficient_balance",
  simulation: "invalid_exact_evm_transaction_simulation_failed",
  failed: "invalid_exact_evm_transaction_failed",
} as const;

/** One payment as it is worked on. */
interface Payment {
  readonly asset: string;
  readonly authorization: SignedAuthorization;
  /** Token, payer and nonce: at most one payment of these can ever go through. */
  readonly key: string;
  /** The key, and what exactly was signed. */
  readonly id: string;
}

interface InFlight {
  readonly id: string;
  readonly result: Promise<SettleResponse>;
}

const GAS_MARGIN_PERCENT = 125n;
/** Room to see that a payment is too dear, and no more: it may be made to cost the endpoint's time. */
const ESTIMATE_FACTOR = 4n;
/** How far back a payment is looked for that this process did not send itself: whoever asks should not cost an endpoint much. */
const FIND_BLOCKS = 10_000;
const REVERT_BLOCK_MS = 600_000;
/** Payments whose looks are counted; the oldest is forgotten first. */
const MAX_COUNTED = 20_000;

/**
 * The scheme `exact` on one EVM chain, for payments by EIP-3009. Looks by the x402 packages; sends by a journal, so that a payment is sent
 * once, however often it is asked for and whenever this process ends. It can take no more than what a payer signed.
 */
export class ExactOnL1 implements SchemeNetworkFacilitator {
  readonly scheme = "exact";
  readonly caipFamily = "eip155:*";
  readonly #options: ExactOptions;
  readonly #shares: PayerShares;
  readonly #inFlight = new Map<string, InFlight>();
  #isDriving = false;
  /** How often a payment was found good: more than once means that more than one request wants to be paid by it. */
  readonly #looks = new Map<string, number>();

  constructor(options: ExactOptions) {
    this.#options = options;
    this.#shares = new PayerShares(options.limits.payerPerHour, () => options.clock.nowMs());
  }

  get pending(): number {
    return this.#inFlight.size;
  }

  getExtra(): undefined {
    return undefined;
  }

  getSigners(): string[] {
    return [this.#options.address];
  }

  /** @throws FacilitatorError `facilitator/l1` */
  async verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    const payment = this.#read(payload, requirements);
    if (typeof payment === "string") return { isValid: false, invalidReason: payment };
    const payer = payment.authorization.from;
    if (this.#inFlight.has(payment.key)) return { isValid: false, invalidReason: REASON.duplicate, payer };
    if (!this.#shares.mayPay(payer)) return { isValid: false, invalidReason: REASON.payerLimit, payer };
    const result = await this.#look(payload, requirements, payment);
    // Looked at again: a settlement may have begun meanwhile.
    if (result.isValid && this.#inFlight.has(payment.key)) return { isValid: false, invalidReason: REASON.duplicate, payer };
    if (result.isValid) this.#countLook(payment.id);
    return result;
  }

  /**
   * Sends the payment, or finds the result of having sent it. A payment that was found good for two requests is settled for one of them.
   * @throws FacilitatorError `facilitator/l1`, `facilitator/busy`
   */
  async settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    const payment = this.#read(payload, requirements);
    if (typeof payment === "string") return this.#failed(payment);
    const before = this.#inFlight.get(payment.key);
    if (before !== undefined) return before.id === payment.id && !this.#isContended(payment) ? await before.result : this.#failed(REASON.duplicate, payment);
    if (this.#inFlight.size >= this.#options.limits.maxPending) throw new FacilitatorError("facilitator/busy", { limit: this.#options.limits.maxPending });
    const result = this.#settleOnce(payload, requirements, payment).finally(() => this.#inFlight.delete(payment.key));
    this.#inFlight.set(payment.key, { id: payment.id, result });
    void this.#drive();
    return await result;
  }

  /** Looks at the chain often while somebody waits for it, and leaves the rest to the transactions' own slow pace. */
  async #drive(): Promise<void> {
    if (this.#isDriving) return;
    this.#isDriving = true;
    const { transactions, clock, pollMs } = this.#options;
    while (this.#inFlight.size > 0) {
      await clock.sleep(pollMs);
      // The loop of the transactions meets the same failure, and tells of it.
      await transactions.turn().catch(() => undefined);
    }
    this.#isDriving = false;
  }

  /** What can be said without the chain: a payment, or the reason why it is none. */
  #read(payload: PaymentPayload, requirements: PaymentRequirements): Payment | string {
    const { limits, network } = this.#options;
    if (requirements.network !== network || payload.accepted.network !== network) return REASON.network;
    if (!isAddress(requirements.asset) || !isAddress(requirements.payTo)) return REASON.payload;
    const [asset, payee] = [getAddress(requirements.asset), getAddress(requirements.payTo)];
    if (!limits.assets.includes(asset)) return REASON.asset;
    if (!isAddress(payload.accepted.asset) || getAddress(payload.accepted.asset) !== asset) return REASON.asset;
    if (limits.payees.length > 0 && !limits.payees.includes(payee)) return REASON.payee;
    const authorization = parseAuthorization(payload.payload);
    if (authorization === undefined) return REASON.payload;
    if (authorization.to !== payee) return REASON.recipient;
    if (!/^[0-9]{1,78}$/.test(requirements.amount) || BigInt(requirements.amount) !== authorization.value) return REASON.mismatch;
    if (authorization.value < limits.minAmount || authorization.value === 0n) return REASON.amount;
    const { from, to, value, validAfter, validBefore, nonce } = authorization;
    const key = `${asset}:${from}:${nonce}`.toLowerCase();
    return { asset, authorization, key, id: `exact:${key}:${hashText([to, value, validAfter, validBefore].join()).slice(2, 18)}` };
  }

  /** By the x402 packages: signature, times, balance, and the transfer as the token would do it now. */
  async #look(payload: PaymentPayload, requirements: PaymentRequirements, payment: Payment): Promise<VerifyResponse> {
    const { authorization } = payment;
    const { provider, address, limits } = this.#options;
    const { signer, hasFailed } = createL1Signer(provider, address);
    const result = await new ExactEvmScheme(signer).verify(payload, requirements);
    if (hasFailed()) throw new FacilitatorError("facilitator/l1", {});
    if (result.invalidReason === REASON.simulation) return { isValid: false, invalidReason: await this.#whyRefused(payment), payer: authorization.from };
    if (result.isValid && !limits.allowContracts && (await signer.getCode({ address: authorization.from as `0x${string}` })) !== undefined) {
      return { isValid: false, invalidReason: REASON.contract, payer: authorization.from };
    }
    return result;
  }

  /** The packages ask a contract for this that not every chain has. */
  async #whyRefused({ asset, authorization: { from, value, nonce } }: Payment): Promise<string> {
    const { provider } = this.#options;
    try {
      if (await isAuthorizationUsed(provider, asset, from, nonce)) return REASON.used;
      return (await readBalance(provider, asset, from)) < value ? REASON.funds : REASON.simulation;
    } catch (error) {
      throw new FacilitatorError("facilitator/l1", {}, { cause: error });
    }
  }

  async #settleOnce(payload: PaymentPayload, requirements: PaymentRequirements, payment: Payment): Promise<SettleResponse> {
    const { transactions } = this.#options;
    const known = transactions.find(payment.id);
    if (known !== undefined && known.outcome === undefined) return await this.#await(payment);
    const fate = await this.#fateOf(payment, known?.outcome?.mined?.hash);
    if (fate.status === "paid") return this.#isContended(payment) ? this.#failed(REASON.duplicate, payment) : this.#settled(payment, fate.transaction);
    if (fate.status !== "open") return this.#failed(REASON.used, payment);
    const { isValid, invalidReason } = await this.#look(payload, requirements, payment);
    if (!isValid) return this.#failed(invalidReason ?? REASON.failed, payment);
    if (!this.#shares.mayPay(payment.authorization.from)) return this.#failed(REASON.payerLimit, payment);
    const call = await this.#price(payment);
    if (typeof call === "string") return this.#failed(call, payment);
    this.#shares.count(payment.authorization.from);
    await transactions.submit({ id: payment.id, to: payment.asset, valueWei: 0n, ...call });
    return await this.#await(payment);
  }

  /** The call with a limit of its gas, or why it is not worth it. */
  async #price({ asset, authorization }: Payment): Promise<{ data: string; gasLimit: bigint } | string> {
    const { provider, address, limits, minPriorityFeeWei } = this.#options;
    const data = encodeTransfer(authorization);
    if (data === undefined) return REASON.payload;
    try {
      const block = (await provider.send("eth_getBlockByNumber", ["latest", false])) as { baseFeePerGas?: string };
      if (BigInt(block.baseFeePerGas ?? "0x0") + minPriorityFeeWei > limits.maxFeeWei) return REASON.fee;
      const estimate = await provider.estimateGas({ from: address, to: asset, data, gasLimit: ESTIMATE_FACTOR * limits.maxGas });
      if (estimate > limits.maxGas) return REASON.gas;
      const padded = (estimate * GAS_MARGIN_PERCENT) / 100n;
      return { data, gasLimit: padded > limits.maxGas ? limits.maxGas : padded };
    } catch (error) {
      if (toChainError(error).code === "L1_REVERT") return REASON.failed;
      throw new FacilitatorError("facilitator/l1", {}, { cause: error });
    }
  }

  /** Waits for the payment that is under way, and says what the chain says of it. */
  async #await(payment: Payment): Promise<SettleResponse> {
    const { transactions, clock, limits } = this.#options;
    const timer = new AbortController();
    const late = clock.sleep(limits.settleMs, timer.signal).then(
      () => undefined,
      () => undefined,
    );
    let outcome: Outcome | undefined;
    try {
      outcome = await Promise.race([transactions.wait(payment.id), late]);
    } catch (error) {
      throw new FacilitatorError("facilitator/stopping", {}, { cause: error });
    } finally {
      timer.abort();
    }
    if (outcome === undefined) return { ...this.#failed(REASON.pending, payment), transaction: transactions.find(payment.id)?.attempts.at(-1)?.hash ?? "" };
    if (outcome.status === "reverted") this.#shares.block(payment.authorization.from, REVERT_BLOCK_MS);
    const fate = await this.#fateOf(payment, outcome.status === "confirmed" ? outcome.mined?.hash : undefined);
    if (fate.status === "paid") return this.#settled(payment, fate.transaction);
    if (fate.status === "cancelled" || fate.status === "spent") return this.#failed(REASON.used, payment);
    return this.#failed(REASON.failed, payment);
  }

  async #fateOf({ asset, authorization }: Payment, transaction?: string): Promise<AuthorizationFate> {
    const { provider } = this.#options;
    let fate: AuthorizationFate = { status: "unknown" };
    try {
      if (transaction !== undefined) fate = await readPayment(provider, asset, authorization, transaction);
      if (fate.status === "unknown") fate = await findAuthorization(provider, asset, authorization, { maxBlocks: FIND_BLOCKS });
    } catch (error) {
      throw new FacilitatorError("facilitator/l1", {}, { cause: error });
    }
    // The endpoint knows that the nonce is used and not yet by what, or has lost a block: it has to be asked again.
    if (fate.status === "unknown") throw new FacilitatorError("facilitator/l1", {});
    return fate;
  }

  #isContended({ id }: Payment): boolean {
    return (this.#looks.get(id) ?? 0) > 1;
  }

  #countLook(id: string): void {
    const looks = (this.#looks.get(id) ?? 0) + 1;
    this.#looks.delete(id);
    this.#looks.set(id, looks);
    const [oldest] = this.#looks.keys();
    if (this.#looks.size > MAX_COUNTED && oldest !== undefined) this.#looks.delete(oldest);
  }

  #settled({ authorization }: Payment, transaction: string): SettleResponse {
    return { success: true, transaction, network: this.#options.network, payer: authorization.from };
  }

  #failed(errorReason: string, payment?: Payment): SettleResponse {
    return { success: false, errorReason, transaction: "", network: this.#options.network, ...(payment === undefined ? {} : { payer: payment.authorization.from }) };
  }
}
