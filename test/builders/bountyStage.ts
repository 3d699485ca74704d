import { keccak256, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";
import type { BaseContract, ContractTransactionReceipt, ContractTransactionResponse, LogDescription, Overrides } from "ethers";
import hre from "hardhat";

import { bidCommitment } from "../../chain/bounties/bidCommitment.ts";
import type { BountyState } from "../../chain/bounties/BountyState.ts";
import { bountyStateFrom } from "../../chain/bounties/BountyState.ts";
import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { termsStruct } from "../../chain/bounties/BountyTerms.ts";
import { BOUNTY_PHASES, phaseOf } from "../../chain/bounties/phaseOf.ts";
import type { BountyPhase } from "../../chain/bounties/phaseOf.ts";
import { revertDataOf } from "../../chain/decodeRevert.ts";
import type { BountyBoard, JobEscrow, TestIdentityRegistry, TestMeter, TestProofOfService, TestToken } from "../../typechain-types/index.ts";

type Connection = Awaited<ReturnType<typeof hre.network.create>>;
export type Signer = Awaited<ReturnType<Connection["ethers"]["getSigners"]>>[number];

export const GOAL = 1_000_000n;
export const STAKE = 1_003n;
export const [FUNDING, COMMIT, REVEAL, AWARD, WORK, SETTLE, REVIEW, DISPUTE, RULING] = [1_000, 100, 110, 120, 500, 200, 130, 140, 150] as const;
export const SALT = keccak256(toUtf8Bytes("salt"));
const DOCUMENT = { uri: "data:text/plain,work", hash: ZeroHash };
/** Far from what the network's own clock says, so that tests set every time themselves. */
const BEGIN = 4_000_000_000;

export const METER_MODES = ["Good", "Reverts", "BurnsGas", "ReturnsBomb", "ReturnsNothing", "CallsBack"] as const;

/** What a call refused with: the contract's error, "none" if it did not, or the message of anything else. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    return /reverted with custom error '(\w+)\(/.exec(String(error))?.[1] ?? revertDataOf(error)?.slice(0, 10) ?? String(error);
  }
}

/** A board with its escrow and registry on a network of their own. Each bidder has an agent; the first one has agent 0. */
export class BountyStage {
  readonly connection: Connection;
  readonly board: BountyBoard;
  readonly escrow: JobEscrow;
  readonly registry: TestIdentityRegistry;
  readonly proofs: TestProofOfService;
  readonly meter: TestMeter;
  readonly token: TestToken;
  readonly address: string;
  readonly owner: Signer;
  readonly feeRecipient: Signer;
  readonly poster: Signer;
  readonly funder: Signer;
  readonly evaluator: Signer;
  readonly arbiter: Signer;
  readonly stranger: Signer;
  readonly bidders: readonly Signer[];
  private readonly chainId: bigint;
  private readonly addresses = new Map<BaseContract, string>();

  private constructor(connection: Connection, contracts: Pick<BountyStage, "board" | "escrow" | "registry" | "proofs" | "meter" | "token" | "address">, signers: readonly Signer[], chainId: bigint) {
    this.connection = connection;
    ({ board: this.board, escrow: this.escrow, registry: this.registry, proofs: this.proofs, meter: this.meter, token: this.token, address: this.address } = contracts);
    [this.owner, this.feeRecipient, this.poster, this.funder, this.evaluator, this.arbiter, this.stranger] = signers as [Signer, Signer, Signer, Signer, Signer, Signer, Signer];
    this.bidders = signers.slice(7);
    this.chainId = chainId;
  }

  /**
   * @param token name of the contract that everybody has a million millions of
   * @param connection where other contracts are already
   */
  static async start({ feeBps = 0, token = "TestToken", connection: given }: { feeBps?: number; token?: string; connection?: Connection } = {}): Promise<BountyStage> {
    const connection = given ?? (await hre.network.create());
    const { ethers } = connection;
    const signers = await ethers.getSigners();
    const deploy = async <T>(name: string, values: unknown[] = []): Promise<T> => (await ethers.deployContract(name, values)) as unknown as T;
    const owner = signers[0]!.address;
    const recipient = signers[1]!.address;
    const escrow = await deploy<JobEscrow>("JobEscrow", [owner, feeBps, recipient]);
    const registry = await deploy<TestIdentityRegistry>("TestIdentityRegistry");
    const board = await deploy<BountyBoard>("BountyBoard", [await escrow.getAddress(), await registry.getAddress(), owner, feeBps, recipient]);
    const [proofs, meter, money] = [await deploy<TestProofOfService>("TestProofOfService"), await deploy<TestMeter>("TestMeter"), await deploy<TestToken>(token)];
    const address = await board.getAddress();
    const { chainId } = await ethers.provider.getNetwork();
    const stage = new BountyStage(connection, { board, escrow, registry, proofs, meter, token: money, address }, signers, chainId);
    for (const bidder of stage.bidders) await stage.send((registry.connect(bidder) as TestIdentityRegistry).register(""));
    for (const signer of signers) {
      await stage.send(money.mint(signer.address, 10n ** 12n));
      await stage.send((money.connect(signer) as TestToken).approve(address, 10n ** 12n));
    }
    for (const contract of [escrow, registry, proofs, meter, money]) stage.addresses.set(contract, await contract.getAddress());
    await connection.networkHelpers.time.increaseTo(BEGIN);
    return stage;
  }

  addressOf(contract: BaseContract): string {
    return this.addresses.get(contract) ?? this.address;
  }

  by(signer: Signer): BountyBoard {
    return this.board.connect(signer) as BountyBoard;
  }

  escrowBy(signer: Signer): JobEscrow {
    return this.escrow.connect(signer) as JobEscrow;
  }

  /** The agent that `start` registered for a bidder. */
  agentOf(bidder: Signer): bigint {
    return BigInt(this.bidders.indexOf(bidder));
  }

  /** A lump sum in ETH that the evaluator decides on, without an arbiter. */
  terms(change: Partial<BountyTerms> = {}): BountyTerms {
    const isOpen = (change.bidder ?? ZeroAddress) === ZeroAddress;
    return {
      role: "OTHER",
      kind: "LUMP",
      maxRounds: 2,
      unruledBps: 0,
      token: ZeroAddress,
      fundingSeconds: FUNDING,
      goal: GOAL,
      ceiling: GOAL,
      stake: STAKE,
      minProvenCalls: 0n,
      commitSeconds: isOpen ? COMMIT : 0,
      revealSeconds: isOpen ? REVEAL : 0,
      proofOfService: ZeroAddress,
      awardSeconds: AWARD,
      workSeconds: WORK,
      settleSeconds: 0,
      evaluator: this.evaluator.address,
      reviewSeconds: REVIEW,
      disputeSeconds: 0,
      rulingSeconds: 0,
      arbiter: ZeroAddress,
      bidder: ZeroAddress,
      source: ZeroAddress,
      shares: [],
      sourceParams: "0x",
      ...change,
    };
  }

  /** Units of the test meter, at most 1,000 each. */
  metered(change: Partial<BountyTerms> = {}): BountyTerms {
    return this.terms({ kind: "METERED", evaluator: ZeroAddress, reviewSeconds: 0, settleSeconds: SETTLE, source: this.addressOf(this.meter), sourceParams: "0x1234", ceiling: 1_000n, ...change });
  }

  milestones(change: Partial<BountyTerms> = {}): BountyTerms {
    return this.terms({ kind: "MILESTONES", shares: [2_000, 3_000, 5_000], ...change });
  }

  withArbiter(change: Partial<BountyTerms> = {}): Partial<BountyTerms> {
    return { arbiter: this.arbiter.address, disputeSeconds: DISPUTE, rulingSeconds: RULING, unruledBps: 5_000, ...change };
  }

  /** ETH that goes with a call that pays in `terms.token`. */
  value(terms: Pick<BountyTerms, "token">, amount: bigint): Overrides & { value: bigint } {
    return { value: terms.token === ZeroAddress ? amount : 0n };
  }

  /** Resolves to the id. With `amount` at the goal, which is the default, bidding begins. */
  async post(terms: BountyTerms, amount = terms.goal): Promise<bigint> {
    await this.send(this.by(this.poster).post(termsStruct(terms), DOCUMENT, DOCUMENT, amount, this.value(terms, amount)));
    return await this.board.bountyCount();
  }

  tryPost(terms: BountyTerms): Promise<unknown> {
    return this.by(this.poster).post(termsStruct(terms), DOCUMENT, DOCUMENT, 0n);
  }

  async fund(id: bigint, amount: bigint, signer = this.funder): Promise<void> {
    const terms = await this.board.termsOf(id);
    await this.send(this.by(signer).fund(id, amount, this.value(terms, amount)));
  }

  async commit(id: bigint, bidder: Signer, price: bigint, change: { agentId?: bigint; salt?: string } = {}): Promise<void> {
    const [terms, { round }] = [await this.board.termsOf(id), await this.state(id)];
    const place = { chainId: this.chainId, board: this.address, id, round, bidder: bidder.address };
    const secret = { agentId: change.agentId ?? this.agentOf(bidder), price, salt: change.salt ?? SALT };
    await this.send(this.by(bidder).commitBid(id, bidCommitment(place, secret), this.value(terms, terms.stake)));
  }

  reveal(id: bigint, bidder: Signer, price: bigint, change: { agentId?: bigint; salt?: string } = {}): Promise<ContractTransactionReceipt> {
    return this.send(this.by(bidder).revealBid(id, change.agentId ?? this.agentOf(bidder), price, change.salt ?? SALT));
  }

  /** From COMMIT to AWARD, with the prices of the first bidders; undefined for one that commits and does not reveal. */
  async bids(id: bigint, prices: readonly (bigint | undefined)[]): Promise<void> {
    for (const [index, price] of prices.entries()) await this.commit(id, this.bidders[index]!, price ?? 1n);
    await this.until(id, "REVEAL");
    for (const [index, price] of prices.entries()) {
      if (price !== undefined) await this.reveal(id, this.bidders[index]!, price);
    }
    await this.until(id, "AWARD");
  }

  /** Posted, funded, and the first bidder hired at `price`. */
  async engaged(terms: BountyTerms, prices: readonly (bigint | undefined)[] = [terms.ceiling]): Promise<bigint> {
    const id = await this.post(terms);
    await this.bids(id, prices);
    await this.send(this.by(this.poster).award(id, this.bidders[0]!.address));
    return id;
  }

  async state(id: bigint): Promise<BountyState> {
    return bountyStateFrom(await this.board.bountyOf(id));
  }

  /** As the contract says it, in a block that would be made now. */
  async phase(id: bigint): Promise<BountyPhase> {
    return BOUNTY_PHASES[Number(await this.board.phaseOf(id))]!;
  }

  /** Lets time pass until that phase begins. Throws if it does not come by time. */
  async until(id: bigint, phase: BountyPhase): Promise<void> {
    const [state, terms] = [await this.state(id), await this.board.termsOf(id)];
    const lengths = { fundingSeconds: Number(terms.fundingSeconds), revealSeconds: Number(terms.revealSeconds), awardSeconds: Number(terms.awardSeconds), bidder: terms.bidder };
    let now = await this.now();
    for (;;) {
      const at = phaseOf(state, lengths, now);
      if (at.phase === phase) break;
      if (at.until === undefined) throw new Error(`Bounty ${id} comes to ${at.phase}, not to ${phase}.`);
      now = at.until;
    }
    if (now > (await this.now())) await this.connection.networkHelpers.time.increaseTo(now);
  }

  async now(): Promise<number> {
    return await this.connection.networkHelpers.time.latest();
  }

  async pass(seconds: number): Promise<void> {
    await this.connection.networkHelpers.time.increase(seconds);
  }

  /** The worker submits, and the evaluator says yes. */
  async complete(id: bigint): Promise<void> {
    const { jobId, worker } = await this.state(id);
    await this.send(this.escrowBy(this.bidders.find(({ address }) => address === worker)!).submit(jobId, ZeroHash, "0x"));
    await this.send(this.escrowBy(this.evaluator).complete(jobId, ZeroHash, "0x"));
  }

  async reject(id: bigint): Promise<void> {
    const { jobId } = await this.state(id);
    await this.send(this.escrowBy(this.evaluator).reject(jobId, ZeroHash, "0x"));
  }

  advance(id: bigint, signer = this.stranger): Promise<ContractTransactionReceipt> {
    return this.send(this.by(signer).advance(id));
  }

  async meterSays(mode: (typeof METER_MODES)[number], units: bigint, hasFailed = false): Promise<void> {
    await this.send(this.meter.set(METER_MODES.indexOf(mode), units, hasFailed));
  }

  credit(signer: { readonly address: string }, token = ZeroAddress): Promise<bigint> {
    return this.board.credit(token, signer.address);
  }

  jobCredit(signer: { readonly address: string }, token = ZeroAddress): Promise<bigint> {
    return this.escrow.credit(token, signer.address);
  }

  async send(call: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
    return (await (await call).wait())!;
  }

  /** The board's events of a transaction. */
  events(receipt: ContractTransactionReceipt): LogDescription[] {
    return receipt.logs.flatMap((log) => {
      const event = log.address === this.address ? this.board.interface.parseLog(log) : null;
      return event === null ? [] : [event];
    });
  }

  /** What the board holds covers what it owes; the caller says which tokens. */
  async isSolvent(tokens: readonly string[] = [ZeroAddress, this.addressOf(this.token)]): Promise<boolean> {
    for (const token of tokens) {
      const held = token === ZeroAddress ? await this.connection.ethers.provider.getBalance(this.address) : await this.token.balanceOf(this.address);
      if (held < (await this.board.owed(token))) return false;
    }
    return true;
  }
}
