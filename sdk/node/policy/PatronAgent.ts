import type { Signer } from "ethers";

import { findRollupName, readRollup } from "../../../chain/readRollup.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { AgentDesk } from "../../agents/AgentDesk.ts";
import { readProven } from "../../agents/readProven.ts";
import { toBaseUnits } from "../../amount.ts";
import { BountyDesk } from "../../bounties/BountyDesk.ts";
import type { Bid, Bounty, PostedBounty } from "../../bounties/BountyDesk.ts";
import { completeTerms, encodeBatchMeterParams } from "../../bounties/BountyTerms.ts";
import { inlineDocument } from "../../bounties/documents.ts";
import { sequencerSpecText } from "../../bounties/sequencerSpec.ts";
import { contractOf } from "../../economy/readEconomy.ts";
import type { Economy } from "../../economy/readEconomy.ts";
import { NO_TOKEN } from "../../L1Sender.ts";
import { sdkError } from "../../SdkError.ts";
import { decidePatron } from "./decidePatron.ts";
import { ensureAgent } from "./ownAgent.ts";
import type { PatronAction, PatronBounty, PatronRules, SeenBid } from "./PatronState.ts";
import { PolicyLoop } from "./PolicyLoop.ts";
import type { PolicyNotice } from "./PolicyNotice.ts";
import { patronRules } from "./policyRules.ts";
import type { PatronPolicy } from "./policySchema.ts";
import { PolicyStore } from "./PolicyStore.ts";

export interface PatronOptions {
  readonly policy: PatronPolicy;
  readonly economy: Economy;
  /** With a provider of the L1. */
  readonly signer: Signer;
  /** Decimals of the policy's token; 18 for ETH. */
  readonly decimals?: number;
  readonly onNotice: (notice: PolicyNotice) => void;
}

/** An agent with money and a chain that nobody sequences: posts the bounty, hires by what is proven, has the silent slashed, hires the next. */
export class PatronAgent {
  readonly #options: PatronOptions;
  readonly #rules: PatronRules;
  readonly #desk: BountyDesk;
  readonly #agents: AgentDesk;
  readonly #store: PolicyStore;
  readonly #loop: PolicyLoop;
  #told = "";
  #postedAt: number | undefined;

  private constructor(options: PatronOptions, store: PolicyStore) {
    const { policy, economy, signer, onNotice, decimals = 18 } = options;
    this.#options = options;
    this.#rules = patronRules(policy, decimals);
    this.#desk = new BountyDesk(economy, signer);
    this.#agents = new AgentDesk(economy, signer);
    this.#store = store;
    this.#loop = new PolicyLoop(() => this.#turn(), policy.pollMs, (error) => onNotice({ kind: "trouble", error }));
  }

  /** Takes up where an earlier life of it stopped. @throws FilesError `files/locked`; PolicyError; ChainError */
  static async start(options: PatronOptions): Promise<PatronAgent> {
    const me = (await options.signer.getAddress()).toLowerCase();
    const store = await PolicyStore.open(options.policy.dataDir, me);
    try {
      const agent = new PatronAgent(options, store);
      const { agentId, isNew } = await ensureAgent(agent.#agents, me, options.policy.agent, store);
      if (isNew) options.onNotice({ kind: "registered", agentId });
      agent.#loop.start();
      return agent;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** Its bounty, once it is posted. */
  get bounty(): number | undefined {
    return this.#store.memory.posting?.bounty;
  }

  get #token(): string {
    return this.#options.policy.token ?? NO_TOKEN;
  }

  async #turn(): Promise<void> {
    const nowSeconds = await this.#desk.sender.now();
    const id = await this.#find();
    // Its posting may still be on the way.
    if (id === undefined && this.#store.memory.posting !== undefined && (await this.#hasPending())) return;
    const bounty = id === undefined ? undefined : await this.#see(await this.#desk.read(id, nowSeconds));
    const [balanceBase, creditBase, failed] = await Promise.all([this.#desk.sender.balance(this.#token), this.#desk.credit(this.#token), id === undefined ? [] : this.#desk.failures(id)]);
    for (const action of decidePatron({ nowSeconds, bounty, balanceBase, creditBase, failed }, this.#rules)) {
      if (this.#loop.isStopping) return;
      if (action.type === "wait") this.#tellWaiting(action.reason);
      else await this.#try(action, id);
    }
  }

  /** The bounty that was posted, also by a life of this agent that ended before it could write its number down. */
  async #find(): Promise<number | undefined> {
    const { posting } = this.#store.memory;
    if (posting === undefined || posting.bounty !== undefined) return posting?.bounty;
    const me = await this.#desk.sender.address();
    const own = (await this.#desk.posted()).find(({ poster, blockNumber }) => poster === me && blockNumber >= posting.fromBlock);
    if (own !== undefined) await this.#store.remember({ posting: { ...posting, bounty: own.id } });
    return own?.id;
  }

  async #hasPending(): Promise<boolean> {
    const { signer } = this.#desk.sender;
    const [pending, mined] = await this.#desk.sender.read(() => Promise.all([signer.getNonce("pending"), signer.getNonce("latest")]));
    return pending > mined;
  }

  async #see(bounty: Bounty): Promise<PatronBounty> {
    const { id, phase, round, poolBase, worker, engagedAt, terms } = bounty;
    const [bids, meter, refundBase] = await Promise.all([
      phase === "AWARD" ? this.#bids(id) : [], worker === undefined ? undefined : this.#desk.meter(bounty), phase === "CLOSED" ? this.#desk.refundable(id, await this.#desk.sender.address()) : 0n,
    ]);
    const hired = worker === undefined || engagedAt === undefined ? undefined : await this.#desk.bid(id, worker);
    const engaged = hired === undefined ? undefined : { bidder: hired.bidder, priceBase: hired.priceBase ?? 0n, hasFailed: meter?.hasFailed ?? false, finishAt: engagedAt! + terms.workSeconds + terms.settleSeconds };
    return { id, phase, postedAt: await this.#timeOfPosting(id), round, maxRounds: terms.maxRounds, poolBase, bids, engaged, refundBase };
  }

  async #timeOfPosting(id: number): Promise<number> {
    if (this.#postedAt === undefined) {
      const [posted] = (await this.#desk.posted(id)) as [PostedBounty];
      this.#postedAt = (await this.#desk.sender.read(() => this.#desk.sender.provider.getBlock(posted.blockNumber)))?.timestamp ?? (await this.#desk.sender.now());
    }
    return this.#postedAt;
  }

  async #bids(id: number): Promise<SeenBid[]> {
    const shown = (await this.#desk.bids(id)).filter((bid): bid is Bid & { agentId: bigint; priceBase: bigint } => bid.status === "REVEALED" && bid.agentId !== undefined && bid.priceBase !== undefined);
    return Promise.all(shown.map(async ({ bidder, agentId, priceBase }) => ({ bidder, agentId, priceBase, isLive: true, ...(await this.#proven(agentId)) })));
  }

  async #proven(agentId: bigint): Promise<{ calls: number; score: number | undefined }> {
    const { proofOfService } = this.#desk.economy.contracts;
    return proofOfService === undefined ? { calls: 0, score: undefined } : this.#desk.sender.read(() => readProven(this.#desk.sender.provider, proofOfService, agentId));
  }

  #tellWaiting(reason: string): void {
    if (this.#told !== reason) this.#options.onNotice({ kind: "waiting", reason });
    this.#told = reason;
  }

  async #try(action: Exclude<PatronAction, { type: "wait" }>, id: number | undefined): Promise<void> {
    const { onNotice } = this.#options;
    try {
      const values = await this.#perform(action, id);
      onNotice({ kind: "done", action: action.type, bounty: this.bounty ?? id, values });
    } catch (error) {
      onNotice({ kind: "trouble", error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  async #perform(action: Exclude<PatronAction, { type: "wait" }>, id = 0): Promise<Record<string, string | number | bigint>> {
    const desk = this.#desk;
    switch (action.type) {
      case "post":
        return this.#post();
      case "fund":
        return { amountBase: action.amountBase, transaction: await desk.fund(id, action.amountBase) };
      case "award": {
        const { bidder, agentId, priceBase, calls } = action.bid;
        return { bidder, agentId, priceBase, provenCalls: calls, transaction: await desk.award(id, bidder) };
      }
      case "fail": {
        const { bidder, rewardBase, burnedBase, transactionHash } = await desk.fail(id);
        return { bidder, rewardBase, burnedBase, transaction: transactionHash };
      }
      case "finish":
        return { transaction: await desk.finish(id) };
      case "reopen":
        return { transaction: await desk.reopen(id) };
      case "close":
        return { transaction: await desk.close(id) };
      case "refund":
        return { amountBase: action.amountBase, transaction: await desk.refund(id) };
      case "withdrawCredit": {
        const { amountBase, transactionHash } = await desk.withdraw(this.#token);
        return { amountBase, transaction: transactionHash };
      }
    }
  }

  async #post(): Promise<Record<string, string | number | bigint>> {
    const { policy, economy } = this.#options;
    const { provider } = this.#desk.sender;
    const factory = contractOf(economy, "factory");
    const name = await this.#desk.sender.read(() => findRollupName(provider, factory, policy.settlement, economy.fromBlock));
    if (name === undefined) throw sdkError("SDK_INPUT", `the factory ${factory} has made no chain with the settlement ${policy.settlement}`);
    const { contracts } = await this.#desk.sender.read(() => readRollup(provider, factory, name, economy.fromBlock));
    if (contracts.sequencerSet === undefined) throw sdkError("SDK_INPUT", "the chain has no set of operators");
    const terms = this.#terms(contracts.settlement, contracts.sequencerSet);
    // Whoever wakes up after a crash looks for it from this block on.
    await this.#store.remember({ posting: { fromBlock: (await this.#desk.sender.read(() => provider.getBlockNumber())) + 1 } });
    const spec = inlineDocument(sequencerSpecText({ chainId: economy.chainId, ...name }), "application/json");
    const { id, transactionHash } = await this.#desk.post(terms, inlineDocument(policy.intent), spec, this.#rules.poolBase);
    await this.#store.remember({ posting: { ...this.#store.memory.posting!, bounty: id } });
    return { bounty: id, poolBase: this.#rules.poolBase, transaction: transactionHash };
  }

  #terms(settlement: string, sequencerSet: string): BountyTerms {
    const { policy, economy, decimals = 18 } = this.#options;
    const base = (text: string): bigint => toBaseUnits(text, { decimals });
    const { minProvenCalls, silenceSeconds, graceSeconds } = policy;
    return completeTerms({
      role: "SEQUENCER", kind: "METERED", maxRounds: policy.maxRounds, token: this.#token, goal: this.#rules.poolBase, ceiling: base(policy.ceiling), stake: base(policy.stake),
      minProvenCalls: BigInt(minProvenCalls), ...(minProvenCalls === 0 ? {} : { proofOfService: contractOf(economy, "proofOfService") }),
      source: contractOf(economy, "batchMeter"), sourceParams: encodeBatchMeterParams({ settlement, sequencerSet, silenceSeconds, graceSeconds }), ...policy.phases,
    });
  }

  /** Its bounty goes on without it; anyone may do most of what it does. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#store.close();
  }
}
