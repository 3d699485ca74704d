import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ContractFactory, JsonRpcProvider, NonceManager, Wallet, parseEther } from "ethers";
import type { InterfaceAbi } from "ethers";

import { fromHex } from "../../core/codec/hex.ts";
import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import type { ChannelAgentOptions, ChannelNotice } from "../../sdk/node/channels/ChannelAgent.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { ChainKind, LocalChain } from "./localChain.ts";

const ARTIFACT = join(import.meta.dirname, "..", "..", "artifacts", "contracts", "channels", "ChannelAdjudicator.sol", "ChannelAdjudicator.json");

/** Somebody with a key, money on L1, and a folder. */
export interface Actor {
  readonly wallet: Wallet;
  readonly desk: ChannelDesk;
  readonly dir: string;
  readonly notices: ChannelNotice[];
}

/** An L1 with an adjudicator of its own, for stories about channels. */
export class ChannelStage {
  readonly chain: LocalChain;
  readonly adjudicator: string;
  readonly provider: JsonRpcProvider;
  readonly #dir: string;
  readonly #funds: NonceManager;
  readonly #agents = new Set<ChannelAgent>();
  #actors = 0;

  private constructor(chain: LocalChain, adjudicator: string, provider: JsonRpcProvider, funds: NonceManager) {
    [this.chain, this.adjudicator, this.provider, this.#funds] = [chain, adjudicator, provider, funds];
    this.#dir = mkdtempSync(join(tmpdir(), "agnt2-channels-"));
  }

  static async start(kind: ChainKind): Promise<ChannelStage> {
    const chain = await startLocalChain(kind);
    const provider = new JsonRpcProvider(chain.url, chain.chainId, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1, batchMaxCount: 1 });
    const funds = new NonceManager(new Wallet(DEVELOPMENT_KEYS[0], provider));
    const { abi, bytecode } = JSON.parse(readFileSync(ARTIFACT, "utf8")) as { abi: InterfaceAbi; bytecode: string };
    const contract = await new ContractFactory(abi, bytecode, funds).deploy();
    await contract.waitForDeployment();
    return new ChannelStage(chain, await contract.getAddress(), provider, funds);
  }

  /** A fresh key with 10 ETH. */
  async actor(): Promise<Actor> {
    const wallet = Wallet.createRandom(this.provider) as unknown as Wallet;
    await (await this.#funds.sendTransaction({ to: wallet.address, value: parseEther("10") })).wait();
    this.#actors += 1;
    return { wallet, desk: await ChannelDesk.connect(this.adjudicator, wallet), dir: join(this.#dir, String(this.#actors)), notices: [] };
  }

  /** The actor's agent at work; with another folder it has lost what it knew. */
  async agent(actor: Actor, options: Partial<ChannelAgentOptions> = {}): Promise<ChannelAgent> {
    const agent = await ChannelAgent.start({
      dir: actor.dir, signer: createLocalSigner(fromHex(actor.wallet.privateKey, 32)), desk: actor.desk, pollMs: 100,
      onNotice: (notice) => actor.notices.push(notice), ...options,
    });
    this.#agents.add(agent);
    return agent;
  }

  /** Waits for something that is about to happen. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    for (const endMs = Date.now() + timeoutMs; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (Date.now() > endMs) throw new Error(`${what}: not after ${timeoutMs / 1000} s`);
    }
  }

  /** L1's clock goes on by so many seconds. */
  async pass(seconds: number): Promise<void> {
    await this.chain.send("evm_increaseTime", [seconds]);
    await this.chain.send("evm_mine");
  }

  async stopAgents(): Promise<void> {
    for (const agent of this.#agents) await agent.stop();
    this.#agents.clear();
  }

  async stop(): Promise<void> {
    await this.stopAgents();
    this.provider.destroy();
    await this.chain.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
