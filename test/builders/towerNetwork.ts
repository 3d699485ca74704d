import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ContractFactory, Wallet } from "ethers";
import type { BaseContract, ContractTransactionResponse, InterfaceAbi, Overrides, TransactionReceipt } from "ethers";

import { FailoverProvider } from "../../chain/FailoverProvider.ts";
import { configStruct, updateStruct } from "../../chain/channels/channelStructs.ts";
import { connectAdjudicator } from "../../chain/channels/connectAdjudicator.ts";
import type { SignedUpdate } from "../../chain/channels/SignedState.ts";
import { connectTowerBond } from "../../chain/tower/connectTowerBond.ts";
import type { TowerDomain } from "../../chain/tower/TowerState.ts";
import type { Side } from "../../core/channel/index.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { createTower } from "../../services/watchtower/createTower.ts";
import type { Tower, TowerOptions } from "../../services/watchtower/createTower.ts";
import { createReceiptSigner } from "../../services/watchtower/intake/ReceiptSigner.ts";
import { TowerStore } from "../../services/watchtower/store/TowerStore.ts";
import type { TowerStoreLimits } from "../../services/watchtower/store/TowerStore.ts";
import type { ChannelAdjudicator, TowerBond } from "../../typechain-types/channels/index.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { ChainKind, LocalChain } from "./localChain.ts";
import { createMemoryQueue } from "./memoryQueue.ts";
import { testKey, TowerChannel } from "./towerChannel.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts", "channels");
const ETHER = 10n ** 18n;
const RICH = `0x${(1_000n * ETHER).toString(16)}`;
export const BOND_WEI = ETHER;
export const DAY_SECONDS = 86_400;
export const MANDATE_SECONDS = 30 * DAY_SECONDS;
const LIMITS: TowerStoreLimits = { maxChannels: 100, maxSealed: 100, maxPerLocator: 8 };

export interface TowerForTest {
  readonly tower: Tower;
  readonly store: TowerStore;
  readonly dir: string;
  readonly name: string;
  /** Stops it; the folder stays, for the next one of the same name. */
  stop(): Promise<void>;
}

/** An adjudicator and a TowerBond on a local chain, with channels of test keys and towers in this process. */
export class TowerNetwork {
  readonly chain: LocalChain;
  readonly adjudicator: ChannelAdjudicator;
  readonly bond: TowerBond;
  readonly domain: TowerDomain;
  readonly dir = mkdtempSync(join(tmpdir(), "agnt2-tower-"));
  readonly #towers = new Set<TowerForTest>();
  readonly #providers: FailoverProvider[] = [];
  #channels = 0;

  private constructor(chain: LocalChain, adjudicator: ChannelAdjudicator, bond: TowerBond, domain: TowerDomain) {
    [this.chain, this.adjudicator, this.bond, this.domain] = [chain, adjudicator, bond, domain];
  }

  static async start(kind: ChainKind): Promise<TowerNetwork> {
    const chain = await startLocalChain(kind);
    const wallet = new Wallet(DEVELOPMENT_KEYS[0], chain.provider);
    let nonce = await wallet.getNonce();
    const deploy = async (name: string, ...args: unknown[]): Promise<BaseContract> => {
      const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, `${name}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
      return await (await new ContractFactory(abi, bytecode, wallet).deploy(...args, { nonce: nonce++ })).waitForDeployment();
    };
    const adjudicator = (await deploy("ChannelAdjudicator")) as unknown as ChannelAdjudicator;
    const address = await adjudicator.getAddress();
    const bond = (await deploy("TowerBond", address, BOND_WEI, MANDATE_SECONDS, 3 * MANDATE_SECONDS)) as unknown as TowerBond;
    const domain = { chainId: chain.chainId, adjudicator: fromHex(address), towerBond: fromHex(await bond.getAddress()) };
    return new TowerNetwork(chain, adjudicator, bond, domain);
  }

  /** On a chain that is there already, without a bond; its owner stops it. */
  static of(chain: LocalChain, adjudicator: string): TowerNetwork {
    const domain = { chainId: chain.chainId, adjudicator: fromHex(adjudicator), towerBond: new Uint8Array(20).fill(1) };
    return new TowerNetwork(chain, connectAdjudicator(adjudicator, chain.provider), connectTowerBond(`0x${"01".repeat(20)}`, chain.provider), domain);
  }

  /** As `of`, with a bond contract of its own. */
  static async withBond(chain: LocalChain, adjudicator: string): Promise<TowerNetwork> {
    const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, "TowerBond.sol", "TowerBond.json"), "utf8")) as { abi: InterfaceAbi; bytecode: string };
    const factory = new ContractFactory(abi, bytecode, new Wallet(DEVELOPMENT_KEYS[0], chain.provider));
    const bond = (await (await factory.deploy(adjudicator, BOND_WEI, MANDATE_SECONDS, 3 * MANDATE_SECONDS)).waitForDeployment()) as unknown as TowerBond;
    const domain = { chainId: chain.chainId, adjudicator: fromHex(adjudicator), towerBond: fromHex(await bond.getAddress()) };
    return new TowerNetwork(chain, connectAdjudicator(adjudicator, chain.provider), bond, domain);
  }

  /** Money for an address. */
  async fund(address: string): Promise<void> {
    await this.chain.send(this.chain.kind === "anvil" ? "anvil_setBalance" : "hardhat_setBalance", [address, RICH]);
  }

  /** An open channel in which each side has put that many units. */
  async open(units: readonly [number, number] = [1_000, 1_000], config: Partial<TowerChannel["config"]> = {}): Promise<TowerChannel> {
    this.#channels += 1;
    const channel = new TowerChannel(this.domain, `channel ${this.#channels}`, { salt: this.#channels, ...config });
    for (const side of [0, 1] as const) {
      await this.fund(channel.parties[side].wallet.address);
      const value = BigInt(units[side]) * BigInt(channel.config.unit);
      await (await this.adjudicator.open(configStruct(channel.config), side, units[side], { value })).wait();
    }
    return channel;
  }

  /** A party's wallet on this chain. */
  as(channel: TowerChannel, side: Side): ChannelAdjudicator {
    return this.adjudicator.connect(channel.parties[side].wallet.connect(this.chain.provider)) as ChannelAdjudicator;
  }

  /** `side` asks for the close with what it likes to show. */
  async challenge(channel: TowerChannel, side: Side, update: SignedUpdate = { vouchers: [] }): Promise<TransactionReceipt> {
    return (await (await this.sendChallenge(channel, side, update)).wait())!;
  }

  /** As `challenge`, without waiting for a block. */
  async sendChallenge(channel: TowerChannel, side: Side, update: SignedUpdate = { vouchers: [] }, fees: Overrides = {}): Promise<ContractTransactionResponse> {
    return await this.as(channel, side).challenge(configStruct(channel.config), updateStruct(update), side, [], { gasLimit: 1_000_000, ...fees });
  }

  async close(channel: TowerChannel): Promise<void> {
    await (await this.adjudicator.close(configStruct(channel.config), [], [], { gasLimit: 1_000_000 })).wait();
  }

  async skip(seconds: number): Promise<void> {
    await this.chain.send("evm_increaseTime", [seconds]);
    await this.chain.send("evm_mine");
  }

  async markOf(channel: TowerChannel): Promise<{ status: number; version: number; paid: [number, number]; highestPaid: [number, number]; deadline: number; isExtended: boolean }> {
    const [state, recorded] = [await this.adjudicator.channelOf(channel.id), await this.adjudicator.recordedOf(channel.id)];
    return {
      status: Number(state.status),
      version: Number(state.version),
      deadline: Number(state.deadline),
      isExtended: state.isExtended,
      paid: [Number(recorded.paidByA), Number(recorded.paidByB)],
      highestPaid: [Number(recorded.highestPaidByA), Number(recorded.highestPaidByB)],
    };
  }

  /** A provider of one endpoint. */
  endpoint(url = this.chain.url): FailoverProvider {
    const provider = new FailoverProvider({ urls: [url], chainId: this.chain.chainId, timeoutMs: 3_000, receiptPollMs: 50 });
    this.#providers.push(provider);
    return provider;
  }

  /** Bonds the key of a tower of this name. */
  async bondTower(name: string): Promise<Wallet> {
    const wallet = testKey(`${name} lane 0`).wallet.connect(this.chain.provider);
    await this.fund(wallet.address);
    await (await (this.bond.connect(wallet) as TowerBond).bond(wallet.address, { value: BOND_WEI })).wait();
    return wallet;
  }

  /** A tower in this process, woken by a queue in memory; one of the same name later has its folder and keys. */
  async tower(name: string, options: Partial<TowerOptions> & { readonly laneCount?: number; readonly urls?: readonly string[]; readonly limits?: Partial<TowerStoreLimits> } = {}): Promise<TowerForTest> {
    const { laneCount = 1, urls = [this.chain.url], limits, ...rest } = options;
    const dir = join(this.dir, name);
    const store = new TowerStore(dir, { ...LIMITS, ...limits }, (error) => {
      throw error;
    });
    const queue = createMemoryQueue();
    const journals: { close(): Promise<void> }[] = [];
    const lanes = Array.from({ length: laneCount }, (_, lane) => {
      const journal = createFileIntentJournal({ path: join(dir, `lane${lane}.journal`) });
      journals.push(journal);
      const provider = new FailoverProvider({ urls, chainId: this.chain.chainId, timeoutMs: 3_000 });
      this.#providers.push(provider);
      return { signer: createLocalSigner(testKey(`${name} lane ${lane}`).key), journal, provider };
    });
    for (const { signer } of lanes) await this.fund(signer.address);
    const tower = createTower({
      endpoints: urls.map((url) => this.endpoint(url)),
      domain: this.domain,
      lanes,
      receiptSigner: createReceiptSigner(createLocalSigner(testKey(`${name} lane 0`).key), this.domain),
      store,
      queue,
      logger: createLogger({ service: name, level: (process.env["LOG_LEVEL"] ?? "silent") as never, output: process.stderr }),
      everyMs: 50,
      transactions: { pollMs: 50 },
      ...rest,
      // What an answer is worth to a bonded tower: the channels of the tests hold hardly anything.
      fees: { stakeWei: BOND_WEI, ...rest.fees },
      intake: { mandateSeconds: MANDATE_SECONDS, minWindowSeconds: 10, ...rest.intake },
    });
    await tower.start();
    await tower.look();
    const made: TowerForTest = {
      tower, store, dir, name,
      stop: async () => {
        if (!this.#towers.delete(made)) return;
        await tower.stop();
        await queue.close();
        for (const journal of journals) await journal.close();
        store.close();
      },
    };
    this.#towers.add(made);
    return made;
  }

  async stop(): Promise<void> {
    await this.stopTowers();
    await this.chain.stop();
  }

  /** All but the chain. */
  async stopTowers(): Promise<void> {
    for (const tower of [...this.#towers]) await tower.stop();
    for (const provider of this.#providers) provider.destroy();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

