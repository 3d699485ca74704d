import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ContractFactory, NonceManager, Wallet, parseEther } from "ethers";
import type { BaseContract, ContractTransactionResponse, InterfaceAbi } from "ethers";

import { connectUptimeMeter } from "../../chain/uptime/connectUptimeMeter.ts";
import { encodeUptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import type { UptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import { uptimeKey } from "../../chain/uptime/uptimeHashes.ts";
import type { TestBoard, UptimeMeter } from "../../typechain-types/index.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { testKey } from "./towerChannel.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");
export const STAKE_WEI = parseEther("1");
export const PENALTY_WEI = STAKE_WEI / 10n;
const UNBONDING_SECONDS = 1_000;
const FUNDS_WEI = parseEther("10");

/** A local L1 that makes a block a second, with an UptimeMeter and a board that begins what it is told to. */
export class UptimeNetwork {
  readonly chain: LocalChain;
  readonly meter: UptimeMeter;
  readonly meterAddress: string;
  readonly board: TestBoard;
  readonly boardAddress: string;
  readonly funds: NonceManager;
  readonly dir = mkdtempSync(join(tmpdir(), "agnt2-uptime-"));

  private constructor(chain: LocalChain, funds: NonceManager, meterAddress: string, board: TestBoard, boardAddress: string) {
    [this.chain, this.funds, this.meterAddress, this.board, this.boardAddress] = [chain, funds, meterAddress, board, boardAddress];
    this.meter = connectUptimeMeter(meterAddress, chain.provider);
  }

  static async start(): Promise<UptimeNetwork> {
    const chain = await startLocalChain("anvil", { blockSeconds: 1 });
    const funds = new NonceManager(new Wallet(DEVELOPMENT_KEYS[0], chain.provider));
    const deploy = async (source: string, ...args: unknown[]): Promise<BaseContract> => {
      const name = source.split("/").at(-1)!;
      const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, `${source}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
      return await new ContractFactory(abi, bytecode, funds).deploy(...args);
    };
    const board = await deploy("test/actors/TestBoard");
    const meter = await deploy("bounties/UptimeMeter", await board.getAddress(), STAKE_WEI, UNBONDING_SECONDS);
    await Promise.all([board.waitForDeployment(), meter.waitForDeployment()]);
    return new UptimeNetwork(chain, funds, await meter.getAddress(), board as unknown as TestBoard, await board.getAddress());
  }

  /** With ETH for stake and gas. */
  async wallet(name: string): Promise<Wallet> {
    const wallet = testKey(name).wallet.connect(this.chain.provider);
    await (await this.funds.sendTransaction({ to: wallet.address, value: FUNDS_WEI })).wait();
    return wallet;
  }

  /** Resolves to the key of the engagement. */
  async begin(id: bigint, operator: string, terms: UptimeTerms): Promise<string> {
    await (await this.board.connect(this.funds).begin(this.meterAddress, id, operator, 0n, encodeUptimeTerms(terms))).wait();
    return uptimeKey(this.boardAddress, id, Number(await this.meter.roundsOf(this.boardAddress, id)));
  }

  async send(call: Promise<ContractTransactionResponse>): Promise<void> {
    await (await call).wait();
  }

  /** A deployment file that names meter and board; the other names lead to a contract that is there. */
  async writeDeployment(): Promise<string> {
    const genesis = await this.chain.provider.getBlock(0);
    const others = Object.fromEntries(["inbox", "settlement", "game", "bridge", "exodus", "adjudicator", "prover"].map((name) => [name, this.meterAddress]));
    const config = { assetScale: "1000000000", feeTable: Array<number>(24).fill(0) };
    const path = join(this.dir, "deployment.json");
    writeFileSync(path, JSON.stringify({ chainId: this.chain.chainId, genesisHash: genesis!.hash, contracts: { ...others, uptimeMeter: this.meterAddress, bountyBoard: this.boardAddress }, config, blockNumber: 0 }));
    return path;
  }

  async stop(): Promise<void> {
    await this.chain.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

