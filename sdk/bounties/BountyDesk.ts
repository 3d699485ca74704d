import { Interface } from "ethers";
import type { Signer, TransactionReceipt } from "ethers";

import { REGISTRY_ABIS } from "../../chain/agents/connectRegistries.ts";
import { bidCommitment } from "../../chain/bounties/bidCommitment.ts";
import { BOUNTY_STAGES } from "../../chain/bounties/BountyState.ts";
import type { BidStatus } from "../../chain/bounties/BountyState.ts";
import { phaseOf } from "../../chain/bounties/phaseOf.ts";
import type { BountyPhase } from "../../chain/bounties/phaseOf.ts";
import { readBid, readBounty } from "../../chain/bounties/readBounty.ts";
import { termsStruct } from "../../chain/bounties/BountyTerms.ts";
import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { BOUNTY_ABIS, connectBountyBoard } from "../../chain/bounties/connectBountyBoard.ts";
import { sdkError } from "../SdkError.ts";
import { L1Sender } from "../L1Sender.ts";
import type { SentTransaction } from "../L1Sender.ts";
import { contractOf } from "../economy/readEconomy.ts";
import type { Economy } from "../economy/readEconomy.ts";
import { checkBid } from "./checkBid.ts";
import type { BountyDocument } from "./documents.ts";

const METER = new Interface(["function unitsOf(address board, uint256 id) view returns (uint256)", "function hasFailed(address board, uint256 id) view returns (bool)"]);

/** A bounty as L1 has it now. Amounts in base units of its token, times in unix seconds of L1. */
export interface Bounty {
  readonly id: number;
  readonly poster: string;
  readonly terms: BountyTerms;
  readonly phase: BountyPhase;
  /** When the phase ends if nobody does anything; undefined for one without an end. */
  readonly phaseEndsAt: number | undefined;
  /** From 1 when bidding begins. */
  readonly round: number;
  /** Completed parts. */
  readonly part: number;
  readonly poolBase: bigint;
  /** Who is at work. */
  readonly worker: string | undefined;
  /** When it began. */
  readonly engagedAt: number | undefined;
  readonly paidUnits: bigint;
  readonly liveBids: number;
  /** The lowest bids that stand, at most eight, as the fallback goes through them. */
  readonly ranked: readonly string[];
  /** Of the part in work; undefined before there is one. */
  readonly jobId: bigint | undefined;
}

export interface Bid {
  readonly bidder: string;
  readonly status: BidStatus;
  readonly round: number;
  /** What hides it, or hid it; undefined without one. */
  readonly commitment: string | undefined;
  /** Undefined until it is revealed. */
  readonly agentId: bigint | undefined;
  readonly priceBase: bigint | undefined;
}

/** Where a bounty was posted, with its texts. */
export interface PostedBounty {
  readonly id: number;
  readonly poster: string;
  readonly intent: BountyDocument;
  readonly spec: BountyDocument;
  readonly blockNumber: number;
  readonly transactionHash: string;
}

/** What is hidden until the reveal. */
export interface BidSecret {
  readonly round: number;
  readonly agentId: bigint;
  readonly priceBase: bigint;
  /** 32 bytes as 0x text */
  readonly salt: string;
}

/** Bounties by hand: posts, bids, awards, is paid, with transactions of one signer (docs/BOUNTIES.md, section 6). */
export class BountyDesk {
  readonly economy: Economy;
  /** Of the contract, lower case. */
  readonly address: string;
  readonly sender: L1Sender;
  readonly #board: ReturnType<typeof connectBountyBoard>;

  /**
   * @param signer an ethers signer with a provider of that L1
   * @throws SdkError `SDK_INPUT` when the deployment has no board
   */
  constructor(economy: Economy, signer: Signer) {
    this.economy = economy;
    this.address = contractOf(economy, "bountyBoard").toLowerCase();
    this.sender = new L1Sender(signer, [...BOUNTY_ABIS, ...REGISTRY_ABIS]);
    this.#board = connectBountyBoard(this.address, this.sender.signer);
  }

  /** How many there are; their ids are 1 to this. */
  async count(): Promise<number> {
    return Number(await this.sender.read(() => this.#board.bountyCount()));
  }

  /** @param nowSeconds the time that phases are told for. @throws SdkError `SDK_INPUT` for one that is not there */
  async read(id: number, nowSeconds?: number): Promise<Bounty> {
    const [found, now] = await this.sender.read(() => Promise.all([readBounty(this.#board, BigInt(id)), nowSeconds ?? this.sender.now()]));
    if (found === undefined) throw sdkError("SDK_INPUT", `there is no bounty ${id}`, { id });
    const { terms, state, ranked } = found;
    const { phase, until } = phaseOf(state, terms, now);
    const { poster, round, part, pool, worker, clock, paidUnits, liveBids, jobId } = state;
    const isEngaged = phase === "ENGAGED";
    return {
      id, poster: poster.toLowerCase(), terms, phase, phaseEndsAt: until, round, part, poolBase: pool, paidUnits, liveBids, ranked: ranked.map((address) => address.toLowerCase()),
      worker: isEngaged ? worker.toLowerCase() : undefined, engagedAt: isEngaged ? clock : undefined, jobId: jobId === 0n ? undefined : jobId,
    };
  }

  /** Who posted bounties, with their texts, straight from L1's logs. @param id only this one */
  async posted(id?: number): Promise<PostedBounty[]> {
    const logs = await this.sender.read(() => this.#board.queryFilter(this.#board.filters.BountyPosted(id), this.economy.fromBlock));
    return logs.map(({ args, blockNumber, transactionHash }) => ({
      id: Number(args.id), poster: args.poster.toLowerCase(), blockNumber, transactionHash,
      intent: { uri: args.intentURI, hash: args.intentHash }, spec: { uri: args.specURI, hash: args.specHash },
    }));
  }

  async bid(id: number, bidder: string): Promise<Bid> {
    const { status, round, commitment, agentId, price } = await this.sender.read(() => readBid(this.#board, BigInt(id), bidder));
    const isShown = status === "REVEALED" || status === "AWARDED";
    return { bidder: bidder.toLowerCase(), status, round, commitment: /^0x0+$/.test(commitment) ? undefined : commitment, agentId: isShown ? agentId : undefined, priceBase: isShown ? price : undefined };
  }

  /** The bids of a bounty that stand, the lowest first, those that are hidden last. */
  async bids(id: number): Promise<Bid[]> {
    const { filters } = this.#board;
    const logs = await this.sender.read(() => Promise.all([this.#board.queryFilter(filters.BidCommitted(id), this.economy.fromBlock), this.#board.queryFilter(filters.BidRevealed(id), this.economy.fromBlock)]));
    const bidders = [...new Set(logs.flat().map(({ args }) => (args as unknown as { bidder: string }).bidder.toLowerCase()))];
    const bids = await Promise.all(bidders.map((bidder) => this.bid(id, bidder)));
    const order = ({ priceBase }: Bid): bigint => priceBase ?? 1n << 128n;
    return bids.filter(({ status }) => status !== "NONE").sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
  }

  /** What the meter of a metered bounty says at the next block; undefined when it says nothing. */
  async meter({ id, terms }: Bounty): Promise<{ readonly units: bigint; readonly hasFailed: boolean } | undefined> {
    const to = terms.source;
    if (terms.kind !== "METERED") return undefined;
    const ask = async (method: "unitsOf" | "hasFailed"): Promise<bigint> => {
      const data = METER.encodeFunctionData(method, [this.address, id]);
      return BigInt(METER.decodeFunctionResult(method, await this.sender.provider.call({ to, data, blockTag: "pending" }))[0] as bigint);
    };
    try {
      const [units, hasFailed] = await Promise.all([ask("unitsOf"), ask("hasFailed")]);
      return { units, hasFailed: hasFailed === 1n };
    } catch (error) {
      // What the board does with it too.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  /** Who was hired and failed, in order. */
  async failures(id: number): Promise<string[]> {
    const logs = await this.sender.read(() => this.#board.queryFilter(this.#board.filters.Failed(id), this.economy.fromBlock));
    return logs.map(({ args }) => args.bidder.toLowerCase());
  }

  /** Base units that the board owes the account in a token. */
  async credit(token: string, account?: string): Promise<bigint> {
    const owner = account ?? (await this.sender.address());
    return this.sender.read(() => this.#board.credit(token, owner));
  }

  /** Base units that a funder of a closed bounty gets back. */
  async refundable(id: number, funder: string): Promise<bigint> {
    const [{ stage, left, totalShares }, shares] = await this.sender.read(() => Promise.all([this.#board.bountyOf(id), this.#board.sharesOf(id, funder)]));
    return BOUNTY_STAGES[Number(stage)] !== "CLOSED" || shares === 0n ? 0n : (left * shares) / totalShares;
  }

  /**
   * @param amountBase what is put into the pool at once; 0 for nothing
   * @throws ChainError (`BadTerms` with the field, …)
   */
  async post(terms: BountyTerms, intent: BountyDocument, spec: BountyDocument, amountBase: bigint): Promise<{ readonly id: number; readonly transactionHash: string }> {
    const receipt = await this.#pay(terms.token, amountBase, (options) => this.#board.post(termsStruct(terms), intent, spec, amountBase, options));
    return { id: Number(this.#event(receipt, "BountyPosted")["id"]), transactionHash: receipt.hash };
  }

  /** Adds to the pool. @throws ChainError (`WrongPhase`, …) */
  async fund(id: number, amountBase: bigint): Promise<string> {
    const { token } = (await this.read(id)).terms;
    return (await this.#pay(token, amountBase, (options) => this.#board.fund(id, amountBase, options))).hash;
  }

  /**
   * Commits to a bid, with the stake. Keep the secret first: without it half of the stake is lost.
   * @throws SdkError `SDK_INPUT` for a bid that could not be revealed; ChainError (`WrongPhase`, `AlreadyBid`, …)
   */
  async commit(id: number, secret: BidSecret): Promise<string> {
    const { terms } = await this.read(id);
    const { token, stake } = terms;
    const { round, agentId, priceBase, salt } = secret;
    const bidder = await this.sender.address();
    const registry = await this.sender.read(() => this.#board.identityRegistry());
    await this.sender.read(() => checkBid(this.sender.signer, registry, terms, { bidder, agentId, priceBase }));
    const commitment = bidCommitment({ chainId: BigInt(this.economy.chainId), board: this.address, id: BigInt(id), round, bidder }, { agentId, price: priceBase, salt });
    return (await this.#pay(token, stake, (options) => this.#board.commitBid(id, commitment, options))).hash;
  }

  /** @throws ChainError (`WrongReveal`, `TooFewProvenCalls`, `NotOfAgent`, …) */
  reveal(id: number, { agentId, priceBase, salt }: BidSecret): Promise<string> {
    return this.#send(() => this.#board.revealBid(id, agentId, priceBase, salt));
  }

  /** Credits the stake of a bid that is not needed, or half of the stake of one that was not revealed. @throws ChainError (`BidStands`, …) */
  async withdrawBid(id: number, bidder?: string): Promise<string> {
    const owner = bidder ?? (await this.sender.address());
    return this.#send(() => this.#board.withdrawBid(id, owner));
  }

  /** Hires a bidder; by the poster. @throws ChainError (`WrongPhase`, `NotPoster`, …) */
  award(id: number, bidder: string): Promise<string> {
    return this.#send(() => this.#board.award(id, bidder));
  }

  /** Hires the lowest bidder, when the poster's time is over; by anyone. @throws ChainError (`NobodyToHire`, …) */
  awardBest(id: number): Promise<string> {
    return this.#send(() => this.#board.awardBest(id));
  }

  /** Takes a bounty that names the signer, with the stake. @throws ChainError (`NotNamed`, …) */
  async take(id: number, agentId: bigint): Promise<string> {
    const { token, stake } = (await this.read(id)).terms;
    return (await this.#pay(token, stake, (options) => this.#board.take(id, agentId, options))).hash;
  }

  /** Goes on when the job of a part has ended; by anyone. @throws ChainError (`JobNotEnded`, …) */
  advance(id: number): Promise<string> {
    return this.#send(() => this.#board.advance(id));
  }

  /** Credits the worker with what it has earned; by anyone. @throws ChainError (`NothingToClaim`, …) */
  async claimUnits(id: number): Promise<{ readonly units: bigint; readonly amountBase: bigint; readonly transactionHash: string }> {
    const receipt = await this.sender.send(() => this.#board.claimUnits(id));
    const { units, amount } = this.#event(receipt, "Claimed") as { units: bigint; amount: bigint };
    return { units, amountBase: amount, transactionHash: receipt.hash };
  }

  /** Ends metered work in time; by anyone. @throws ChainError (`NotOver` with the time) */
  finish(id: number): Promise<string> {
    return this.#send(() => this.#board.finish(id));
  }

  /** Ends work that the meter calls failed: the stake is lost, a tenth of it to the signer; by anyone. @throws ChainError (`NotFailed`, …) */
  async fail(id: number): Promise<{ readonly bidder: string; readonly rewardBase: bigint; readonly burnedBase: bigint; readonly transactionHash: string }> {
    const receipt = await this.sender.send(() => this.#board.fail(id));
    const { bidder, reward, burned } = this.#event(receipt, "Failed") as { bidder: string; reward: bigint; burned: bigint };
    return { bidder: bidder.toLowerCase(), rewardBase: reward, burnedBase: burned, transactionHash: receipt.hash };
  }

  /** Begins the next round when one ended with nobody hired; by anyone. @throws ChainError (`WrongPhase`) */
  reopen(id: number): Promise<string> {
    return this.#send(() => this.#board.reopen(id));
  }

  /** Ends the bounty; by its poster while nobody is at work, by anyone when its rounds are over. @throws ChainError (`WrongPhase`, `NotPoster`) */
  close(id: number): Promise<string> {
    return this.#send(() => this.#board.close(id));
  }

  /** Credits a funder with its part of what is left. @throws ChainError (`NothingToRefund`, …) */
  async refund(id: number, funder?: string): Promise<string> {
    const owner = funder ?? (await this.sender.address());
    return this.#send(() => this.#board.refund(id, owner));
  }

  /** Takes everything that the board owes the signer in a token. @throws ChainError (`NoCredit`) */
  async withdraw(token: string, to?: string): Promise<{ readonly amountBase: bigint; readonly transactionHash: string }> {
    const payee = to ?? (await this.sender.address());
    const receipt = await this.sender.send(() => this.#board.withdraw(token, payee));
    return { amountBase: this.#event(receipt, "CreditPaid")["paid"] as bigint, transactionHash: receipt.hash };
  }

  /** The board's jobs are in this contract. */
  async escrow(): Promise<string> {
    return this.sender.read(() => this.#board.escrow());
  }

  async #pay(token: string, amountBase: bigint, send: (options: { value?: bigint; nonce?: number }) => Promise<SentTransaction>): Promise<TransactionReceipt> {
    return this.sender.send(async () => send(await this.sender.bring(token, amountBase, this.address)));
  }

  async #send(send: () => Promise<SentTransaction>): Promise<string> {
    return (await this.sender.send(send)).hash;
  }

  #event(receipt: TransactionReceipt, name: string): Record<string, unknown> {
    return this.sender.event(receipt, this.#board.interface, name);
  }
}
