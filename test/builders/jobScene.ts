import { ZeroAddress, ZeroHash, id } from "ethers";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";
import hre from "hardhat";

import type { HostileHook, HostileRecipient, JobEscrow, TestToken, TestVerifier } from "../../typechain-types/index.ts";
import type { JobTermsStruct } from "../../typechain-types/bounties/JobEscrow.ts";

export const FEE_BPS = 250n;
export const BPS = 10_000n;
export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const WORK = 10 * DAY;
export const REVIEW = DAY;
export const DISPUTE = 2 * DAY;
export const RULING = 3 * DAY;
export const SPEC_HASH = id("the specification");
export const DELIVERABLE = id("the work");
export const REASON = id("because");

export const STATUS = { Open: 0n, Funded: 1n, Submitted: 2n, Completed: 3n, Rejected: 4n, Expired: 5n, Contested: 6n, Disputed: 7n } as const;

export const ROLES = ["owner", "client", "provider", "evaluator", "arbiter", "stranger", "treasury", "second"] as const;
export type Role = (typeof ROLES)[number];

export interface JobOptions {
  readonly provider?: string;
  readonly evaluator?: string;
  readonly hook?: string;
  readonly token?: string;
  readonly budget?: bigint;
  readonly agentId?: bigint;
  readonly terms?: Partial<JobTermsStruct>;
}

type Connection = Awaited<ReturnType<typeof hre.network.create>>;

/** A JobEscrow on a chain in this process, with everybody who has a part in a job. */
export class JobScene {
  readonly connection: Connection;
  readonly escrow: JobEscrow;
  readonly address: string;
  private readonly signers: Readonly<Record<Role, Awaited<ReturnType<Connection["ethers"]["getSigners"]>>[number]>>;

  private constructor(connection: Connection, escrow: JobEscrow, address: string, signers: JobScene["signers"]) {
    this.connection = connection;
    this.escrow = escrow;
    this.address = address;
    this.signers = signers;
  }

  static async start(): Promise<JobScene> {
    const connection = await hre.network.create();
    const signers = await connection.ethers.getSigners();
    const byRole = Object.fromEntries(ROLES.map((role, index) => [role, signers[index]!])) as JobScene["signers"];
    const escrow = (await connection.ethers.deployContract("JobEscrow", [byRole.owner.address, FEE_BPS, byRole.treasury.address])) as unknown as JobEscrow;
    return new JobScene(connection, escrow, await escrow.getAddress(), byRole);
  }

  stop(): Promise<void> {
    return this.connection.close();
  }

  of(role: Role): string {
    return this.signers[role].address;
  }

  signer(role: Role): JobScene["signers"][Role] {
    return this.signers[role];
  }

  as(role: Role): JobEscrow {
    return this.escrow.connect(this.signers[role]) as JobEscrow;
  }

  /** Back to the present state, as often as wanted. */
  async mark(): Promise<() => Promise<void>> {
    const snapshot = await this.connection.networkHelpers.takeSnapshot();
    return () => snapshot.restore();
  }

  async deploy<T>(name: string, args: readonly unknown[] = []): Promise<T & { getAddress(): Promise<string> }> {
    return (await this.connection.ethers.deployContract(name, [...args])) as unknown as T & { getAddress(): Promise<string> };
  }

  /** A token of which all roles have plenty, and let the escrow take it. */
  async token<T = TestToken>(name = "TestToken"): Promise<{ readonly contract: T & TestToken; readonly address: string }> {
    const contract = await this.deploy<T & TestToken>(name);
    for (const role of ROLES) {
      await contract.mint(this.of(role), 10n ** 24n);
      await (contract.connect(this.signers[role]) as TestToken).approve(this.address, 10n ** 24n);
    }
    return { contract, address: await contract.getAddress() };
  }

  hook(): Promise<HostileHook & { getAddress(): Promise<string> }> {
    return this.deploy<HostileHook>("HostileHook");
  }

  verifier(specHash = SPEC_HASH): Promise<TestVerifier & { getAddress(): Promise<string> }> {
    return this.deploy<TestVerifier>("TestVerifier", [specHash]);
  }

  recipient(): Promise<HostileRecipient & { getAddress(): Promise<string> }> {
    return this.deploy<HostileRecipient>("HostileRecipient");
  }

  async now(): Promise<number> {
    return this.connection.networkHelpers.time.latest();
  }

  /** Time of the next block. */
  async next(seconds: number | bigint): Promise<void> {
    await this.connection.networkHelpers.time.setNextBlockTimestamp(seconds);
  }

  /** Lets a block come then. */
  async pass(seconds: number | bigint): Promise<void> {
    await this.connection.networkHelpers.time.increaseTo(seconds);
  }

  terms(options: JobOptions = {}): JobTermsStruct {
    const usual = { arbiter: this.of("arbiter"), reviewSeconds: REVIEW, disputeSeconds: DISPUTE, rulingSeconds: RULING, unruledBps: 5_000, isVerified: false, specHash: ZeroHash };
    return { token: options.token ?? ZeroAddress, ...usual, ...options.terms };
  }

  encode(terms: JobTermsStruct): string {
    const { token, arbiter, reviewSeconds, disputeSeconds, rulingSeconds, unruledBps, isVerified, specHash } = terms;
    return this.connection.ethers.AbiCoder.defaultAbiCoder().encode(
      ["tuple(address,address,uint32,uint32,uint32,uint16,bool,bytes32)"],
      [[token, arbiter, reviewSeconds, disputeSeconds, rulingSeconds, unruledBps, isVerified, specHash]],
    );
  }

  /** A job that is Open, with a budget by the client. */
  async open(options: JobOptions = {}): Promise<bigint> {
    const { provider = this.of("provider"), evaluator = this.of("evaluator"), hook = ZeroAddress, token = ZeroAddress, budget = 10_000n, agentId = 0n } = options;
    await this.as("client").createJob(provider, evaluator, (await this.now()) + WORK, "a picture of a lighthouse", hook, agentId);
    const jobId = await this.escrow.jobCount();
    await this.as("client").setBudget(jobId, token, budget, "0x");
    return jobId;
  }

  async fund(jobId: bigint, options: JobOptions = {}): Promise<ContractTransactionReceipt> {
    const { budget } = await this.escrow.jobOf(jobId);
    const { token = ZeroAddress } = options;
    return mined(this.as("client").fund(jobId, budget, this.encode(this.terms(options)), { value: token === ZeroAddress ? budget : 0n }));
  }

  async funded(options: JobOptions = {}): Promise<bigint> {
    const jobId = await this.open(options);
    await this.fund(jobId, options);
    return jobId;
  }

  async submitted(options: JobOptions = {}): Promise<bigint> {
    const jobId = await this.funded(options);
    await this.as("provider").submit(jobId, DELIVERABLE, "0x");
    return jobId;
  }

  async contested(options: JobOptions = {}): Promise<bigint> {
    const jobId = await this.submitted(options);
    await this.as("evaluator").reject(jobId, REASON, "0x");
    return jobId;
  }

  /** Disputed by the provider, or by the client during the review. */
  async disputed(options: JobOptions = {}, by: "client" | "provider" = "provider"): Promise<bigint> {
    const jobId = await (by === "provider" ? this.contested(options) : this.submitted(options));
    await this.as(by).dispute(jobId, { value: (options.token ?? ZeroAddress) === ZeroAddress ? await this.escrow.bondOf(jobId) : 0n });
    return jobId;
  }

  async deadline(jobId: bigint): Promise<bigint> {
    return (await this.escrow.jobOf(jobId)).deadline;
  }

  /** What some accounts can pull, by role. */
  async credits(token: string = ZeroAddress): Promise<Partial<Record<Role, bigint>>> {
    const found: Partial<Record<Role, bigint>> = {};
    for (const role of ROLES) {
      const credit = await this.escrow.credit(token, this.of(role));
      if (credit !== 0n) found[role] = credit;
    }
    return found;
  }
}

export async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  return (await (await sent).wait())!;
}

/** The name of the custom error that a call fails with; "none" if it does not. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    return /reverted with custom error '(\w+)\(/.exec(String(error))?.[1] ?? String(error);
  }
}
