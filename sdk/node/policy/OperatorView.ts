import { connectSequencerSet } from "../../../chain/connectContracts.ts";
import type { Deployment } from "../../../chain/Deployment.ts";
import type { AgentDesk } from "../../agents/AgentDesk.ts";
import { readProven } from "../../agents/readProven.ts";
import type { Bounty, BountyDesk, PostedBounty } from "../../bounties/BountyDesk.ts";
import { isNobody } from "../../bounties/BountyTerms.ts";
import { NO_TOKEN } from "../../L1Sender.ts";
import { checkChain } from "./checkChain.ts";
import type { WantedChain } from "./checkChain.ts";
import type { OperatorState, OwnBid, SeenBounty, SetMembership } from "./OperatorState.ts";
import type { PolicyStore } from "./PolicyStore.ts";

/** Reads what an operator decides on. What cannot change is read once. */
export class OperatorView {
  readonly #desk: BountyDesk;
  readonly #agents: AgentDesk;
  readonly #store: PolicyStore;
  readonly #me: string;
  readonly #posted = new Map<number, PostedBounty>();
  readonly #chains = new Map<number, WantedChain>();

  constructor(desk: BountyDesk, agents: AgentDesk, store: PolicyStore, me: string) {
    [this.#desk, this.#agents, this.#store, this.#me] = [desk, agents, store, me];
  }

  /** The deployment of the chain that a bounty is about. */
  deploymentOf(id: number): Deployment | undefined {
    return this.#chains.get(id)?.deployment;
  }

  /** @param token of the operator's rules @param found bounties that may be of interest; its own are looked at anyway */
  async read(token: string, found: readonly number[], sequencer: OperatorState["sequencer"]): Promise<OperatorState> {
    const { sender } = this.#desk;
    const memory = this.#store.memory;
    const own = [...memory.hiredFor, ...this.#store.bids.bounties(this.#desk.address)];
    const nowSeconds = await sender.now();
    const ids = [...new Set([...own, ...found])].sort((a, b) => a - b);
    const bounties: SeenBounty[] = [];
    for (const id of ids) {
      const bounty = await this.#desk.read(id, nowSeconds);
      // What is over and was never its own is nobody's business.
      if (bounty.phase === "CLOSED" && !own.includes(id)) continue;
      bounties.push(await this.#see(bounty));
    }
    const agentId = memory.agentId === undefined ? undefined : BigInt(memory.agentId);
    const hired = bounties.filter(({ id, engaged }) => engaged?.bidder === this.#me || memory.hiredFor.includes(id));
    const [balanceWei, balanceBase, creditBase, provenCalls, sets] = await Promise.all([
      sender.balance(NO_TOKEN), sender.balance(token), this.#desk.credit(token), agentId === undefined ? 0 : this.#proven(agentId), Promise.all(hired.map(async ({ id }) => [id, await this.#membership(id)] as const)),
    ]);
    return {
      nowSeconds, me: this.#me, agentId, provenCalls, balanceWei, balanceBase, creditBase, bounties, sequencer,
      sets: new Map(sets),
      claimedAt: new Map(Object.entries(memory.claimedAt).map(([id, at]) => [Number(id), at])),
    };
  }

  async #proven(agentId: bigint): Promise<number> {
    const { proofOfService } = this.#desk.economy.contracts;
    return proofOfService === undefined ? 0 : (await this.#desk.sender.read(() => readProven(this.#desk.sender.provider, proofOfService, agentId))).calls;
  }

  async #see(bounty: Bounty): Promise<SeenBounty> {
    const { id, terms, phase, round, poolBase } = bounty;
    const chain = await this.#chainOf(bounty);
    const [bid, engaged] = await Promise.all([this.#ownBid(bounty), this.#engaged(bounty)]);
    return {
      id, role: terms.role, kind: terms.kind, token: terms.token, phase, phaseEndsAt: bounty.phaseEndsAt, round, poolBase, ceilingBase: terms.ceiling, stakeBase: terms.stake,
      onlyBidder: isNobody(terms.bidder) ? undefined : terms.bidder.toLowerCase(), meter: terms.source, workSeconds: terms.workSeconds, minProvenCalls: Number(terms.minProvenCalls), chain: chain.check,
      posterCalls: phase === "COMMIT" || phase === "AWARD" ? await this.#posterCalls(bounty.poster) : undefined, engaged, bestBidder: bounty.ranked[0], bid,
    };
  }

  async #chainOf({ id, terms }: Bounty): Promise<WantedChain> {
    const known = this.#chains.get(id);
    if (known !== undefined) return known;
    const posted = this.#posted.get(id) ?? (await this.#desk.posted(id))[0];
    if (posted === undefined) return { check: { isKnown: false, reason: "its posting is not found" }, deployment: undefined };
    this.#posted.set(id, posted);
    const chain = await this.#desk.sender.read(() => checkChain(this.#desk.sender.provider, this.#desk.economy, terms, posted.spec));
    this.#chains.set(id, chain);
    return chain;
  }

  async #ownBid({ id, round }: Bounty): Promise<OwnBid | undefined> {
    const bid = await this.#desk.bid(id, this.#me);
    const secret = this.#store.bids.find({ chainId: this.#desk.economy.chainId, board: this.#desk.address, bounty: id, round: bid.status === "NONE" ? round : bid.round, bidder: this.#me }, bid.status === "COMMITTED" ? bid.commitment : undefined);
    if (bid.status === "NONE") return secret === undefined ? undefined : { round, priceBase: secret.priceBase, status: "WRITTEN" };
    return { round: bid.round, priceBase: bid.priceBase ?? secret?.priceBase ?? 0n, status: bid.status };
  }

  async #engaged(bounty: Bounty): Promise<SeenBounty["engaged"]> {
    const { id, worker, engagedAt, terms, paidUnits, poolBase } = bounty;
    if (worker === undefined || engagedAt === undefined) return undefined;
    const [bid, meter] = await Promise.all([this.#desk.bid(id, worker), this.#desk.meter(bounty)]);
    const priceBase = bid.priceBase ?? 0n;
    const earned = meter === undefined || meter.units < paidUnits ? 0n : meter.units - paidUnits;
    const payable = priceBase === 0n ? 0n : poolBase / priceBase;
    return { bidder: worker, priceBase, finishAt: engagedAt + terms.workSeconds + terms.settleSeconds, unpaidUnits: earned < payable ? earned : payable, hasFailed: meter?.hasFailed ?? false };
  }

  /** The most that any agent of the poster has proven. */
  async #posterCalls(poster: string): Promise<number | undefined> {
    const agents = await this.#agents.registeredBy(poster);
    if (agents.length === 0) return undefined;
    return Math.max(...(await Promise.all(agents.map((agentId) => this.#proven(agentId)))));
  }

  async #membership(id: number): Promise<{ membership: SetMembership; bondPayableAt: number | undefined; bondWei: bigint }> {
    const deployment = this.deploymentOf(id);
    const set = deployment === undefined ? undefined : connectSequencerSet(deployment, this.#desk.sender.provider);
    if (set === undefined) return { membership: "none", bondPayableAt: undefined, bondWei: 0n };
    const operator = await this.#desk.sender.read(() => set.operators(this.#me));
    const bondPayableAt = operator.payableAt === 0n ? undefined : Number(operator.payableAt);
    const membership = operator.isSlashed ? "slashed" : bondPayableAt !== undefined ? "leaving" : operator.place > 0n ? "member" : "none";
    return { membership, bondPayableAt, bondWei: BigInt(String(deployment?.config["operatorBondWei"] ?? 0)) };
  }
}
