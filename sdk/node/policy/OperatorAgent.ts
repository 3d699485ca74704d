import { join } from "node:path";

import type { Signer } from "ethers";

import { connectSequencerSet } from "../../../chain/connectContracts.ts";
import { deploymentText } from "../../../chain/readRollup.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { AgentDesk } from "../../agents/AgentDesk.ts";
import { BountyDesk } from "../../bounties/BountyDesk.ts";
import type { Economy } from "../../economy/readEconomy.ts";
import type { SentTransaction } from "../../L1Sender.ts";
import type { HttpService } from "../../HttpService.ts";
import { sdkError } from "../../SdkError.ts";
import { decideOperator } from "./decideOperator.ts";
import { findSequencerBounties } from "./findBounties.ts";
import { OperatorView } from "./OperatorView.ts";
import type { OperatorAction, OperatorRules } from "./OperatorState.ts";
import { ensureAgent } from "./ownAgent.ts";
import { PolicyLoop } from "./PolicyLoop.ts";
import type { PolicyNotice } from "./PolicyNotice.ts";
import { operatorRules } from "./policyRules.ts";
import type { OperatorPolicy } from "./policySchema.ts";
import { PolicyStore } from "./PolicyStore.ts";
import { SequencerProcess } from "./SequencerProcess.ts";

/** So many pauses between two looks for new bounties. */
const FIND_TURNS = 4;

export interface OperatorOptions {
  readonly policy: OperatorPolicy;
  readonly economy: Economy;
  /** With a provider of the L1. The sequencer uses the same account. */
  readonly signer: Signer;
  /** Endpoint that the sequencer is given. */
  readonly l1Url: string;
  /** Where bounties are found; L1's logs without one. */
  readonly api?: HttpService;
  /** Decimals of the policy's token; 18 for ETH. */
  readonly decimals?: number;
  /** Environment of the sequencer, without the key. */
  readonly env: Readonly<Record<string, string>>;
  /** How the sequencer finds the key. */
  readonly keyEnv: Readonly<Record<string, string>>;
  readonly onNotice: (notice: PolicyNotice) => void;
}

/** An agent that finds bounties for sequencers, bids, is hired, runs the sequencer, and is paid: by its policy, without a person. */
export class OperatorAgent {
  readonly #options: OperatorOptions;
  readonly #rules: OperatorRules;
  readonly #desk: BountyDesk;
  readonly #agents: AgentDesk;
  readonly #store: PolicyStore;
  readonly #view: OperatorView;
  readonly #sequencer: SequencerProcess;
  readonly #loop: PolicyLoop;
  readonly #told = new Set<string>();
  #found: readonly number[] = [];
  #findAgainMs = 0;

  private constructor(options: OperatorOptions, store: PolicyStore, me: string) {
    const { policy, economy, signer, onNotice, env, decimals = 18 } = options;
    this.#options = options;
    this.#rules = operatorRules(policy, economy, decimals);
    this.#desk = new BountyDesk(economy, signer);
    this.#agents = new AgentDesk(economy, signer);
    this.#store = store;
    this.#view = new OperatorView(this.#desk, this.#agents, store, me);
    const { command, health, unhealthySeconds, env: more } = policy.sequencer;
    this.#sequencer = new SequencerProcess({ command, health, unhealthySeconds, env: { ...env, ...more } }, store.dir, (notice) => onNotice({ kind: "sequencer", notice }));
    this.#loop = new PolicyLoop(() => this.#turn(), policy.pollMs, (error) => onNotice({ kind: "trouble", error }));
  }

  /** Takes up where an earlier life of it stopped. @throws FilesError `files/locked`; PolicyError; ChainError */
  static async start(options: OperatorOptions): Promise<OperatorAgent> {
    const me = (await options.signer.getAddress()).toLowerCase();
    const store = await PolicyStore.open(options.policy.dataDir, me);
    try {
      const agent = new OperatorAgent(options, store, me);
      await agent.#sequencer.find();
      await agent.#register();
      agent.#loop.start();
      return agent;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  async #register(): Promise<void> {
    const { agentId, isNew } = await ensureAgent(this.#agents, await this.#desk.sender.address(), this.#options.policy.agent, this.#store);
    if (isNew) this.#options.onNotice({ kind: "registered", agentId });
  }

  async #turn(): Promise<void> {
    // What is new can wait; what is one's own is looked at in every turn.
    if (Date.now() >= this.#findAgainMs) {
      this.#found = await findSequencerBounties(this.#options.api, this.#desk);
      this.#findAgainMs = Date.now() + FIND_TURNS * this.#options.policy.pollMs;
    }
    const state = await this.#view.read(this.#rules.token, this.#found, await this.#sequencer.look());
    for (const action of decideOperator(state, this.#rules)) {
      if (this.#loop.isStopping) return;
      if (action.type === "pass") this.#tellOnce(action);
      else await this.#try(action);
    }
  }

  #tellOnce({ bounty, reason }: Extract<OperatorAction, { type: "pass" }>): void {
    const key = `${bounty} ${reason}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.onNotice({ kind: "passed", bounty, reason });
  }

  /** One action that fails does not keep the others from being tried: most wait for time, and the next turn looks again. */
  async #try(action: Exclude<OperatorAction, { type: "pass" }>): Promise<void> {
    const { onNotice } = this.#options;
    try {
      const values = await this.#perform(action);
      if (values !== undefined) onNotice({ kind: "done", action: action.type, bounty: "bounty" in action ? action.bounty : undefined, values });
    } catch (error) {
      onNotice({ kind: "trouble", error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  /** Everything that has to be known again after a crash is on disk before anything is sent. */
  async #perform(action: Exclude<OperatorAction, { type: "pass" }>): Promise<Record<string, string | number | bigint> | undefined> {
    const desk = this.#desk;
    switch (action.type) {
      case "register":
        await this.#register();
        return undefined;
      case "commit":
        return { priceBase: action.priceBase, stakeBase: action.stakeBase, transaction: await this.#commit(action.bounty, action.priceBase) };
      case "reveal": {
        const [{ round }, { commitment }] = await Promise.all([desk.read(action.bounty), desk.bid(action.bounty, await desk.sender.address())]);
        const secret = this.#store.bids.find(await this.#bidKey(action.bounty, round), commitment);
        if (secret === undefined) throw sdkError("SDK_INPUT", `the salt of the bid on bounty ${action.bounty} is not in ${this.#store.dir}`);
        return { priceBase: secret.priceBase, transaction: await desk.reveal(action.bounty, secret) };
      }
      case "awardBest":
        return { transaction: await desk.awardBest(action.bounty) };
      case "take":
        return { stakeBase: action.stakeBase, transaction: await desk.take(action.bounty, await this.#agentId()) };
      case "join": {
        const hiredFor = this.#store.memory.hiredFor;
        if (!hiredFor.includes(action.bounty)) await this.#store.remember({ hiredFor: [...hiredFor, action.bounty] });
        const me = await desk.sender.address();
        return { bondWei: action.bondWei, transaction: await this.#inSet(action.bounty, (set) => set.join(me, { value: action.bondWei })) };
      }
      case "startSequencer":
        await this.#start(action.bounty);
        return undefined;
      case "stopSequencer":
        await this.#sequencer.stop();
        return undefined;
      case "claimUnits": {
        await this.#store.remember({ claimedAt: { ...this.#store.memory.claimedAt, [action.bounty]: await desk.sender.now() } });
        const { units, amountBase, transactionHash } = await desk.claimUnits(action.bounty);
        return { units, amountBase, transaction: transactionHash };
      }
      case "finish":
        return { transaction: await desk.finish(action.bounty) };
      case "leaveSet":
        return { transaction: await this.#inSet(action.bounty, (set) => set.unbond()) };
      case "withdrawBond": {
        const me = await desk.sender.address();
        return { transaction: await this.#inSet(action.bounty, (set) => set.withdraw(me)) };
      }
      case "withdrawBid":
        return { transaction: await desk.withdrawBid(action.bounty) };
      case "withdrawCredit": {
        const { amountBase, transactionHash } = await desk.withdraw(this.#rules.token);
        return { amountBase, transaction: transactionHash };
      }
    }
  }

  async #bidKey(bounty: number, round: number) {
    return { chainId: this.#desk.economy.chainId, board: this.#desk.address, bounty, round, bidder: await this.#desk.sender.address() };
  }

  async #agentId(): Promise<bigint> {
    return BigInt(this.#store.memory.agentId ?? (await this.#register(), this.#store.memory.agentId!));
  }

  async #commit(bounty: number, priceBase: bigint): Promise<string> {
    const { round } = await this.#desk.read(bounty);
    const secret = await this.#store.bids.seal(await this.#bidKey(bounty, round), await this.#agentId(), priceBase);
    return this.#desk.commit(bounty, secret);
  }

  async #inSet(bounty: number, send: (set: NonNullable<ReturnType<typeof connectSequencerSet>>) => Promise<SentTransaction>): Promise<string> {
    const deployment = this.#view.deploymentOf(bounty);
    const set = deployment === undefined ? undefined : connectSequencerSet(deployment, this.#desk.sender.signer);
    if (set === undefined) throw sdkError("SDK_INPUT", `the chain of bounty ${bounty} has no set of operators`);
    return (await this.#desk.sender.send(() => send(set))).hash;
  }

  async #start(bounty: number): Promise<void> {
    const deployment = this.#view.deploymentOf(bounty);
    if (deployment === undefined) throw sdkError("SDK_INPUT", `the chain of bounty ${bounty} is not known`);
    // Of this engagement: it goes on with its own log after a crash, and begins from L1 when others were at work in between.
    const { engagedAt } = await this.#desk.read(bounty);
    const dataDir = join(this.#store.dir, `bounty-${bounty}-${engagedAt}`);
    const deploymentFile = `${dataDir}.json`;
    await writeFileAtomic(deploymentFile, deploymentText(deployment));
    await this.#sequencer.start({ bounty, l1Url: this.#options.l1Url, deploymentFile, dataDir }, this.#options.keyEnv);
  }

  /** Ends the agent and its sequencer; its bids and its place in the set stay, and it goes on with them when it is started again. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#sequencer.stop();
    this.#store.close();
  }
}
