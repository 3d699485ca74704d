import { Wallet } from "ethers";

import type { Agent } from "../../sdk/Agent.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { describeUnits } from "../../sdk/amount.ts";
import type { Asset } from "../../sdk/amount.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { L1Account } from "../../sdk/L1Account.ts";
import type { LocalNetwork } from "./LocalNetwork.ts";
import type { Narrator } from "./Narrator.ts";

/** One agent of the story: a fresh key, its account on the chain, and the same key on L1. */
export interface Character {
  readonly name: string;
  readonly agent: Agent;
  /** On the chain and on L1. */
  readonly key: string;
  readonly l1: L1Account;
}

export interface Cast {
  readonly planner: Character;
  readonly translator: Character;
  readonly illustrator: Character;
  readonly critic: Character;
}

/** A part of the story; plays alone too. */
export interface Chapter {
  readonly number: number;
  readonly title: string;
  /** What needs time and nobody has to see: begun while earlier chapters play. */
  prepare?(story: Story): Promise<unknown>;
  /** @param prepared what `prepare` was begun for; undefined when the chapter plays alone */
  play(story: Story, prepared?: Promise<unknown>): Promise<void>;
}

const GIFT_BASE = 2_000_000_000_000_000_000n;
export const DEPOSIT = "1";

/** What the chapters share. */
export class Story {
  readonly narrator: Narrator;
  readonly network: LocalNetwork;
  readonly client: Agnt2Client;
  readonly asset: Asset;
  #cast: Promise<Cast> | undefined;

  private constructor(narrator: Narrator, network: LocalNetwork, client: Agnt2Client, asset: Asset) {
    this.narrator = narrator;
    this.network = network;
    this.client = client;
    this.asset = asset;
  }

  static async begin(narrator: Narrator, network: LocalNetwork): Promise<Story> {
    const client = new Agnt2Client({ sequencerUrl: network.sequencerUrl, apiUrl: network.apiUrl });
    return new Story(narrator, network, client, (await client.config()).asset);
  }

  /** The agents, registered and funded when they are first needed. */
  cast(): Promise<Cast> {
    this.#cast ??= this.#register();
    return this.#cast;
  }

  /** Whether somebody has asked for the agents already. */
  get hasCast(): boolean {
    return this.#cast !== undefined;
  }

  async #register(): Promise<Cast> {
    const names = ["Planner", "Translator", "Illustrator", "Critic"] as const;
    const characters = await this.narrator.waiting("Giving four new keys money on L1 …", Promise.all(names.map((name) => this.#character(name))));
    await this.narrator.waiting("Depositing, and waiting for the chain to open their accounts …", this.#deposit(characters));
    const [planner, translator, illustrator, critic] = characters as [Character, Character, Character, Character];
    return { planner, translator, illustrator, critic };
  }

  /** One after the other, so that accounts get their numbers in the order of the cast. */
  async #deposit(characters: readonly Character[]): Promise<void> {
    for (const { l1 } of characters) await l1.credited(await l1.deposit(DEPOSIT));
  }

  /** Somebody with money and an account of the chain. */
  async newcomer(name: string): Promise<Character> {
    const character = await this.#character(name);
    await this.#deposit([character]);
    return character;
  }

  async #character(name: string): Promise<Character> {
    const wallet = Wallet.createRandom(this.network.provider);
    const agent = await this.client.agent({ signer: createKeySigner(wallet.privateKey) });
    await new HttpService(this.network.faucetUrl, { timeoutMs: 30_000 }).postJson("/v1/faucet", { address: wallet.address, amountBase: GIFT_BASE.toString() });
    return { name, agent, key: wallet.privateKey, l1: await L1Account.connect(this.client, wallet) };
  }

  async balance({ agent }: Character): Promise<number> {
    return (await agent.account()).balance;
  }

  money(units: number): string {
    return describeUnits(units, this.asset);
  }

  /** What somebody's account changed by, in words. */
  change(before: number, after: number): string {
    if (after === before) return "unchanged";
    return after > before ? `+ ${this.money(after - before)}` : `- ${this.money(before - after)}`;
  }

  async end(): Promise<void> {
    await this.client.close();
  }
}
