import type { Signer } from "ethers";

import { BOUNTY_ABIS, connectJobEscrow } from "../../chain/bounties/connectBountyBoard.ts";
import { contractOf } from "../economy/readEconomy.ts";
import type { Economy } from "../economy/readEconomy.ts";
import { L1Sender } from "../L1Sender.ts";
import { sdkError } from "../SdkError.ts";

export const JOB_STATUSES = ["open", "funded", "submitted", "completed", "rejected", "expired", "contested", "disputed"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

const NO_REASON = `0x${"0".repeat(64)}`;

/** A job of the escrow. Amounts in base units of its token, times in unix seconds of L1. */
export interface Job {
  readonly jobId: bigint;
  readonly status: JobStatus;
  readonly client: string;
  readonly provider: string;
  readonly evaluator: string;
  readonly arbiter: string | undefined;
  readonly token: string;
  readonly budgetBase: bigint;
  /** From then on nothing can be submitted. */
  readonly expiresAt: number;
  /** When anyone may end its present state; undefined where time does not. */
  readonly deadline: number | undefined;
  readonly deliverable: string | undefined;
  readonly isVerified: boolean;
}

/** Work that is judged: hands it in, takes or rejects it, disputes, and ends what time ends (docs/BOUNTIES.md, section 5). */
export class JobDesk {
  readonly sender: L1Sender;
  readonly #escrow: ReturnType<typeof connectJobEscrow>;
  readonly #address: string;

  /**
   * @param signer an ethers signer with a provider of that L1
   * @param address of the escrow; default: the deployment's
   */
  constructor(economy: Economy, signer: Signer, address = contractOf(economy, "jobEscrow")) {
    this.sender = new L1Sender(signer, BOUNTY_ABIS);
    this.#address = address;
    this.#escrow = connectJobEscrow(address, this.sender.signer);
  }

  /** @throws SdkError `SDK_INPUT` for a job that is not there */
  async read(jobId: bigint): Promise<Job> {
    const job = await this.sender.read(() => this.#escrow.jobOf(jobId));
    const lower = (address: string): string => address.toLowerCase();
    const isZero = (text: string): boolean => /^0x0+$/.test(text);
    if (isZero(job.client)) throw sdkError("SDK_INPUT", `there is no job ${jobId}`, { jobId });
    return {
      jobId, status: JOB_STATUSES[Number(job.status)] ?? "open", client: lower(job.client), provider: lower(job.provider), evaluator: lower(job.evaluator),
      arbiter: isZero(job.arbiter) ? undefined : lower(job.arbiter), token: lower(job.token), budgetBase: job.budget, expiresAt: Number(job.expiredAt),
      deadline: job.deadline === 0n ? undefined : Number(job.deadline), deliverable: isZero(job.deliverable) ? undefined : job.deliverable, isVerified: job.isVerified,
    };
  }

  /** Hands the work in. @param deliverable 32 bytes, such as the hash of a document. @throws ChainError (`TooLate`, `NotAllowed`, …) */
  submit(jobId: bigint, deliverable: string): Promise<string> {
    return this.#send(() => this.#escrow.submit(jobId, deliverable, "0x"));
  }

  /** Takes the work; by the evaluator. @throws ChainError (`NotAllowed`, …) */
  accept(jobId: bigint, reason = NO_REASON): Promise<string> {
    return this.#send(() => this.#escrow.complete(jobId, reason, "0x"));
  }

  /** Does not take it; by the evaluator. With an arbiter the provider can dispute that. @throws ChainError */
  reject(jobId: bigint, reason = NO_REASON): Promise<string> {
    return this.#send(() => this.#escrow.reject(jobId, reason, "0x"));
  }

  /** Asks the arbiter, with a bond of 5 % of the budget; by provider or client. @throws ChainError (`NoArbiter`, `TooLate`, …) */
  async dispute(jobId: bigint): Promise<{ readonly bondBase: bigint; readonly transactionHash: string }> {
    const [{ token }, bondBase] = await Promise.all([this.read(jobId), this.sender.read(() => this.#escrow.bondOf(jobId))]);
    const receipt = await this.sender.send(async () => this.#escrow.dispute(jobId, await this.sender.bring(token, bondBase, this.#address)));
    return { bondBase, transactionHash: receipt.hash };
  }

  /** Decides a dispute; by the arbiter. @param providerBps the provider's part in 1/10,000. @throws ChainError */
  rule(jobId: bigint, providerBps: number): Promise<string> {
    return this.#send(() => this.#escrow.rule(jobId, providerBps));
  }

  /** Has the verifier take the work; by anyone. @throws ChainError (`NotVerified`, …) */
  verify(jobId: bigint, data: string): Promise<string> {
    return this.#send(() => this.#escrow.completeVerified(jobId, data));
  }

  /**
   * Ends a job whose time is over, whatever it waits for: silence is consent, what is not handed in is refunded.
   * @returns the transaction; undefined when time does not end it now
   * @throws ChainError
   */
  async settle(jobId: bigint): Promise<string | undefined> {
    const [{ status, deadline, expiresAt, isVerified }, now] = await Promise.all([this.read(jobId), this.sender.now()]);
    if (status === "funded") return now < expiresAt ? undefined : this.#send(() => this.#escrow.claimRefund(jobId));
    if (deadline === undefined || now < deadline) return undefined;
    if (status === "submitted") return isVerified ? this.#send(() => this.#escrow.claimRefund(jobId)) : this.#send(() => this.#escrow.completeSilent(jobId));
    if (status === "contested") return this.#send(() => this.#escrow.settleRejected(jobId));
    return status === "disputed" ? this.#send(() => this.#escrow.settleUnruled(jobId)) : undefined;
  }

  /** Base units that the escrow owes the signer in a token. */
  async credit(token: string): Promise<bigint> {
    const owner = await this.sender.address();
    return this.sender.read(() => this.#escrow.credit(token, owner));
  }

  /** Takes them. @throws ChainError (`NoCredit`) */
  async withdraw(token: string): Promise<{ readonly amountBase: bigint; readonly transactionHash: string }> {
    const payee = await this.sender.address();
    const receipt = await this.sender.send(() => this.#escrow.withdraw(token, payee));
    return { amountBase: this.sender.event(receipt, this.#escrow.interface, "CreditPaid")["paid"] as bigint, transactionHash: receipt.hash };
  }

  async #send(send: Parameters<L1Sender["send"]>[0]): Promise<string> {
    return (await this.sender.send(send)).hash;
  }
}
