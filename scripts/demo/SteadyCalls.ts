import { Wallet } from "ethers";

import { AgentDesk } from "../../sdk/agents/AgentDesk.ts";
import type { Agent } from "../../sdk/Agent.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import type { BountyDesk } from "../../sdk/bounties/BountyDesk.ts";
import { L1Account } from "../../sdk/L1Account.ts";
import { readOperatorSigners } from "../../chain/readOperators.ts";
import { DemoError } from "./LocalNetwork.ts";
import type { LocalNetwork } from "./LocalNetwork.ts";
import type { StrandedChain } from "./StrandedChain.ts";
import type { Character } from "./Story.ts";

const DEPOSIT = "0.2";
const PRICE = "0.001";
const PAUSE_MS = 250;
const REQUEST_MS = 2_000;
const CALL_MS = 4_000;
const DEADLINE_SECONDS = 300;

/** A sequencer as its clients see it. */
interface Site {
  readonly worker: string;
  readonly client: Agnt2Client;
  readonly payer: Agent;
  readonly payee: Agent;
}

/** Two agents who call and pay each other again and again, over whichever sequencer the bounty's board says is hired. */
export class SteadyCalls {
  readonly #network: LocalNetwork;
  readonly #chain: StrandedChain;
  readonly #desk: BountyDesk;
  readonly #bounty: number;
  readonly #agents: AgentDesk;
  readonly #pair: readonly [Character, Character];
  /** Answered and paid calls, by who sequenced them, lower case. */
  readonly answered = new Map<string, number>();
  #failed = 0;
  #lastError: Error | undefined;
  #site: Site | undefined;
  #isStopping = false;
  #running: Promise<void> | undefined;

  constructor(network: LocalNetwork, chain: StrandedChain, desk: BountyDesk, bounty: number, pair: readonly [Character, Character]) {
    [this.#network, this.#chain, this.#desk, this.#bounty, this.#pair] = [network, chain, desk, bounty, pair];
    this.#agents = new AgentDesk(desk.economy, desk.sender.signer);
  }

  /** Calls that nobody answered. */
  get failed(): number {
    return this.#failed;
  }

  /** Pays both accounts in, then begins. */
  async start(): Promise<void> {
    const site = await this.#connect();
    const deposits = await Promise.all(this.#pair.map(async ({ key }) => {
      const account = await L1Account.connect(site.client, new Wallet(key, this.#network.provider));
      return { account, deposit: await account.deposit(DEPOSIT) };
    }));
    for (const { account, deposit } of deposits) await account.credited(deposit);
    this.#running = this.#run();
  }

  /** Who is hired, where its registration file says that its sequencer is. */
  async #connect(): Promise<Site> {
    const { worker } = await this.#desk.read(this.#bounty);
    if (worker === undefined) throw new DemoError("Nobody is hired.");
    if (this.#site?.worker === worker) return this.#site;
    const { agentId } = await this.#desk.bid(this.#bounty, worker);
    const { uri } = await this.#agents.show(agentId!);
    const { services } = JSON.parse(Buffer.from(uri.slice(uri.indexOf(",") + 1), "base64").toString()) as { services: { name: string; endpoint: string }[] };
    const sequencerUrl = services.find(({ name }) => name === "sequencer")?.endpoint ?? "";
    await this.#leave();
    const client = new Agnt2Client({ sequencerUrl, deployment: this.#chain.file, transport: "http", timeoutMs: REQUEST_MS, operators: (set) => readOperatorSigners(set, this.#network.provider) });
    try {
      // It answers only after it has joined the set, whose members' signatures count.
      await client.sequencer.get("/health");
    } catch (error) {
      await client.close();
      throw error;
    }
    const [payer, payee] = (await Promise.all(this.#pair.map(({ key }) => client.agent({ signer: createKeySigner(key), windowMs: 0 })))) as [Agent, Agent];
    this.#site = { worker, client, payer, payee };
    return this.#site;
  }

  /** The next call begins anew: whose signature counts is asked again too, since who was hired joins the set a moment later. */
  async #leave(): Promise<void> {
    const site = this.#site;
    this.#site = undefined;
    await site?.client.close();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#call();
      } catch (error) {
        // The sequencer is gone, or the new one is not there yet: whoever is hired next is asked next time.
        if (!(error instanceof Error)) throw error;
        this.#lastError = error;
        this.#failed += 1;
        await this.#leave();
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #call(): Promise<void> {
    const { worker, payer, payee } = await this.#connect();
    // An agent goes on sending to a sequencer that is away; this one rather asks who is hired now.
    const timer = setTimeout(() => void this.#leave(), CALL_MS);
    try {
      const call = await payer.invoke({ provider: payee.address, price: PRICE, input: "ping", deadlineSeconds: DEADLINE_SECONDS }).durable;
      await payee.respond(call, "pong").durable;
    } finally {
      clearTimeout(timer);
    }
    this.answered.set(worker, (this.answered.get(worker) ?? 0) + 1);
  }

  /** Waits for so many answered calls over somebody's sequencer. */
  async until(worker: string, count: number, patienceMs: number): Promise<void> {
    for (const end = Date.now() + patienceMs; (this.answered.get(worker) ?? 0) < count; await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (Date.now() > end) throw new DemoError(`Only ${this.answered.get(worker) ?? 0} calls were answered over the sequencer of ${worker}. The last failure: ${this.#lastError?.message ?? "none"}`);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await this.#leave();
  }
}
